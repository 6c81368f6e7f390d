// SPDX-License-Identifier: MIT
#include "http/response.hpp"

#include <fmt/format.h>

namespace netlab::http {

std::string_view phrase_of(unsigned status) noexcept {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

std::string head_of(const response& answer, bool keeps_alive) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", answer.status, phrase_of(answer.status));
  if (!answer.type.empty()) head += fmt::format("Content-Type: {}\r\n", answer.type);
  for (const auto& [name, value] : answer.fields) head += fmt::format("{}: {}\r\n", name, value);
  const bool has_length = !answer.is_stream && answer.status != 204 && answer.status != 304;
  if (has_length) head += fmt::format("Content-Length: {}\r\n", answer.content().size());
  if (!keeps_alive || answer.is_stream) head += "Connection: close\r\n";
  return head + "\r\n";
}

}  // namespace netlab::http
