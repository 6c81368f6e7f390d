// SPDX-License-Identifier: MIT
#include "connect/tls_report.hpp"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace netlab::connect {

std::vector<std::string> to_lines(const tls_report& report) {
  std::string first = fmt::format("{}, {}", report.version, report.cipher);
  if (!report.key_exchange.empty()) first += ", " + report.key_exchange;
  if (!report.alpn.empty()) first += ", ALPN " + report.alpn;
  if (report.resumed) first += ", resumed";
  std::vector<std::string> lines{std::move(first)};
  lines.push_back(report.verified ? "certificate: verified" : "certificate: NOT verified: " + report.verification);
  if (!report.ocsp.empty()) lines.push_back("OCSP: " + report.ocsp);
  if (report.client_certificate_wanted.value_or(false)) lines.emplace_back("the server requested a client certificate");
  for (std::size_t at = 0; at < report.chain.size(); ++at) {
    const certificate_report& each = report.chain[at];
    lines.push_back(fmt::format("{} {}", at, each.subject));
    lines.push_back("  issuer   " + each.issuer);
    if (!each.names.empty()) lines.push_back(fmt::format("  names    {}", fmt::join(each.names, ", ")));
    lines.push_back(fmt::format("  valid    {} to {}", each.not_before, each.not_after));
    lines.push_back(fmt::format("  key      {}, signed {}", each.key, each.signature));
    lines.push_back("  SHA-256  " + each.sha256);
  }
  return lines;
}

}  // namespace netlab::connect
