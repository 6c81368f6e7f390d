// SPDX-License-Identifier: MIT
// The services of the lab's host: their names and ports, a choice of them, and what runs the small ones.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "net/service.hpp"
#include "net/visitor_log.hpp"

namespace netlab::lab {

/// Who answers at a port.
enum class role : std::uint8_t {
  calc,
  chargen,
  daytime,
  discard,
  echo,
  mail,  ///< with STARTTLS
  mail_over_tls,
  time,
};

struct service_entry {
  std::string_view name;  ///< as IANA has it
  std::uint16_t port;     ///< likewise
  role what;
  bool udp = true;  ///< beside TCP
};

/// All, by their ports.
[[nodiscard]] std::span<const service_entry> services() noexcept;
[[nodiscard]] bool is_mail(const service_entry& which) noexcept;

/// `echo`, `echo,time`; `mail` is every service that takes it. Fails with errc::usage, and says the nearest name.
[[nodiscard]] result<std::vector<service_entry>> parse_services(std::string_view list);

/// Those of `only` (all, where it is empty) that are not in `without`, by their ports. Fails with errc::usage where
/// none is left.
[[nodiscard]] result<std::vector<service_entry>> choose(std::span<const service_entry> only,
                                                        std::span<const service_entry> without);

struct port_plan {
  std::uint16_t offset = 0;        ///< added to the ports below 1024
  std::uint16_t calc_port = 50000;
};
/// Ports above 65535 come out of no offset up to this.
inline constexpr std::uint16_t largest_offset = 65535 - 1023;
[[nodiscard]] std::uint16_t port_of(const service_entry& which, const port_plan& plan) noexcept;

struct host_parameters {
  duration idle_timeout = std::chrono::minutes(5);
  std::size_t max_clients = 10'000;  ///< of each service
  net::log_detail detail = net::log_detail::visits;
  byte_order order = byte_order::big;  ///< calc's
};

/// A service with what it does.
class hosted {
 public:
  virtual ~hosted() = default;
  [[nodiscard]] virtual net::service_handler& handler() noexcept = 0;
  [[nodiscard]] virtual net::service_limits limits() const = 0;
  /// The totals as a line, and what the log still owes before it.
  [[nodiscard]] virtual std::string conclude() = 0;
};

/// Lines of its log begin with its name. Null for mail, which is a sink's affair.
[[nodiscard]] std::unique_ptr<hosted> host(const service_entry& which, const host_parameters& parameters,
                                           net::visitor_log::line_function write);

}  // namespace netlab::lab
