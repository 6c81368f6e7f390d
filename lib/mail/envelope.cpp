// SPDX-License-Identifier: MIT
#include "mail/envelope.hpp"

#include <fmt/format.h>

namespace netlab::mail {

std::string_view protocol_of(const envelope& of) noexcept {
  if (!of.is_extended) return "SMTP";
  // RFC 3848; RFC 6531 §4.3 with SMTPUTF8.
  const bool has_user = !of.user.empty();
  if (of.is_secure && has_user) return of.smtputf8 ? "UTF8SMTPSA" : "ESMTPSA";
  if (of.is_secure) return of.smtputf8 ? "UTF8SMTPS" : "ESMTPS";
  if (has_user) return of.smtputf8 ? "UTF8SMTPA" : "ESMTPA";
  return of.smtputf8 ? "UTF8SMTP" : "ESMTP";
}

std::string trace_fields(const envelope& of, std::string_view host, std::string_view id, std::string_view date) {
  std::string all = fmt::format("Return-Path: <{}>\r\n", of.sender_text());
  const bool is_ipv6 = of.peer.find(':') != std::string::npos;
  all += fmt::format("Received: from {} ([{}{}])", of.helo, is_ipv6 ? "IPv6:" : "", of.peer);
  if (!of.tls.empty()) all += fmt::format("\r\n\t({})", of.tls);
  all += fmt::format("\r\n\tby {} with {}", host, protocol_of(of));
  if (!id.empty()) all += fmt::format(" id {}", id);
  if (of.recipients.size() == 1) all += fmt::format("\r\n\tfor <{}>", of.recipients.front().address.to_string());
  all += fmt::format(";\r\n\t{}\r\n", date);
  return all;
}

}  // namespace netlab::mail
