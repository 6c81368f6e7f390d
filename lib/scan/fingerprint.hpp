// SPDX-License-Identifier: MIT
// A number that identifies a scan: runs and parts with the same fingerprint send the same probes and interpret the
// answers in the same way.
#pragma once

#include <cstdint>
#include <string>

#include "scan/plan.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

/// Depends on the targets in their order, the ports, and the options that decide how a port is asked, what a silent
/// port means and what is sent to an open one. Seed, part, rate and sources do not count: they only decide which
/// machine sends a probe, and when. Not a cryptographic hash: two different scans can be made to have the same value.
/// `before`: the fingerprint of targets scanned earlier in the same run.
[[nodiscard]] std::uint64_t fingerprint(const scan_plan& plan, const target_set& targets, std::uint64_t before = 0);

/// As reports show it: 16 hexadecimal digits.
[[nodiscard]] std::string fingerprint_text(std::uint64_t of);

/// The seed of a part for which the user gave none: the same for all parts of a scan.
[[nodiscard]] std::uint64_t seed_from(std::uint64_t fingerprint) noexcept;

}  // namespace netlab::scan
