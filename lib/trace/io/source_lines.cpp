// SPDX-License-Identifier: MIT
#include "trace/io/source_lines.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include "base/text.hpp"
#include "trace/program_names.hpp"

namespace netlab::trace {
namespace {

constexpr std::size_t max_shown = 120;  // of a source line

bool begins_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [&](std::string_view each) { return text.starts_with(each); });
}

}  // namespace

std::string_view cut_reported_line(std::string_view buffer) noexcept {
  std::size_t end = 0;
  for (int count = 0; count < 4; ++count) {
    const auto zero = buffer.find('\0', end);
    if (zero == std::string_view::npos) return {};
    end = zero + 1;
  }
  return buffer.substr(0, end);
}

std::optional<reported_line> parse_reported_line(std::string_view message) {
  if (!message.ends_with('\0')) return std::nullopt;
  message.remove_suffix(1);
  const auto parts = split(message, '\0');
  if (parts.size() != 4 || parts[0].empty() || parts[1].empty()) return std::nullopt;
  const auto line = parse_integer<unsigned>(parts[2]);
  if (!line) return std::nullopt;
  return reported_line{std::string(parts[0]),
                       {.file = std::string(parts[1]), .line = *line, .function = std::string(parts[3]), .text = {}}};
}

bool makes_call(std::string_view method, call_kind kind) noexcept {
  const bool is_tls = begins_with_any(method, {"do_handshake", "unwrap", "read", "write"});
  switch (kind) {
    case call_kind::create: return method == "__init__";
    case call_kind::bind: return method == "bind";
    case call_kind::listen: return method == "listen";
    case call_kind::accept: return method == "accept";
    case call_kind::connect: return method.starts_with("connect");
    case call_kind::send: return method.starts_with("send") || is_tls;
    case call_kind::receive: return method.starts_with("recv") || is_tls;
    case call_kind::shutdown: return method == "shutdown" || method == "unwrap";
    case call_kind::close: return method == "close" || method == "detach";
    case call_kind::wait: return is_tls || begins_with_any(method, {"accept", "connect", "send", "recv"});
    case call_kind::option: return begins_with_any(method, {"set", "getsockopt", "connect", "accept"});
    case call_kind::name: return begins_with_any(method, {"getsockname", "getpeername", "accept"});
    case call_kind::exit: return false;
  }
  return false;
}

bool is_isolated_python(const std::vector<std::string>& words) {
  if (words.empty()) return false;
  const auto slash = words.front().rfind('/');
  const std::string_view name =
      slash == std::string::npos ? std::string_view(words.front()) : std::string_view(words.front()).substr(slash + 1);
  if (!name.starts_with("python")) return false;
  for (const std::string& word : std::span(words).subspan(1)) {
    if (!word.starts_with('-') || word.starts_with("--")) return false;
    // The rest of a word after -c, -m, -W or -X is that option's argument.
    const std::string_view letters = std::string_view(word).substr(1, word.find_first_of("cmWX") - 1);
    if (letters.find_first_of("IES") != std::string_view::npos) return true;
    if (word.find_first_of("cm") != std::string::npos) return false;
  }
  return false;
}

std::string source_files::read(const std::string& directory, const std::string& file, unsigned line) {
  const std::string path = file.starts_with('/') ? file : directory + "/" + file;
  auto found = files_.find(path);
  if (found == files_.end()) {
    if (files_.size() >= max_files) return {};
    found = files_.try_emplace(path).first;
    std::ifstream stream(path);
    std::size_t size = 0;
    for (std::string text; size < max_octets && std::getline(stream, text); size += text.size())
      found->second.emplace_back(trim(text).substr(0, max_shown));
  }
  return line == 0 || line > found->second.size() ? std::string() : found->second[line - 1];
}

}  // namespace netlab::trace
