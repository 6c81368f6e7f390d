// SPDX-License-Identifier: MIT
#include "base/base64.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"
#include "frame/cli.hpp"
#include "frame/console.hpp"

namespace netlab::app {
namespace {

constexpr std::array base64_options{
    option{.name = "decode", .letter = 'd', .help = "decode instead of encoding"},
};

struct base64_call {
  bool decode = false;
  std::optional<std::string> text;  // none: stdin
};

base64_call parse_base64(arguments& args) {
  base64_call meant{.decode = args.flag("decode")};
  if (!args.positionals().empty()) meant.text = fmt::format("{}", fmt::join(args.positionals(), " "));
  return meant;
}

result<std::string> read_stdin() {
  auto text = read_all(STDIN_FILENO);
  if (text) return std::move(*text);
  return unexpected(failure{make_error_code(errc::no_input), "read stdin", message_of(text.error()), {}});
}

/// Octets that are not text are shown in hexadecimal.
nlohmann::ordered_json octets_to_json(const bytes& octets) {
  if (is_utf8(as_text(octets))) return {{"text", as_text(octets)}};
  return {{"text", nullptr}, {"hex", to_hex(octets)}};
}

exit_status run_base64(arguments& args, console& out) {
  const base64_call meant = parse_base64(args);
  if (args.error()) return out.refuse(*args.error());
  auto text = meant.text ? result<std::string>(*meant.text) : read_stdin();
  if (!text) return out.refuse(text.error());
  out.detail(fmt::format("{} in", count_of(text->size(), "octet")));
  if (!meant.decode) {
    const std::string encoded = encode_base64(as_bytes(*text));
    if (out.wants_json())
      out.json({{"base64", encoded}});
    else
      out.line(encoded);
    return exit_status::done;
  }
  const auto octets = decode_base64(without_byte_order_mark(*text));
  if (!octets) return out.refuse(octets.error());
  if (out.wants_json())
    out.json(octets_to_json(*octets));
  else if (out.on_terminal())
    out.line(escape(as_text(*octets)));
  else
    out.raw(as_text(*octets));
  return exit_status::done;
}

constexpr std::array base64_examples{
    example{"netlab base64 student", "a user name, encoded for AUTH LOGIN"},
    example{"netlab base64 -d VXNlcm5hbWU6", "decode the prompt of a 334 reply"},
    example{"printf '\\0user\\0secret' | netlab base64", "the argument of AUTH PLAIN"},
};

constexpr std::array base64_statuses{exit_status::done,     exit_status::usage,        exit_status::bad_data,
                                     exit_status::no_input, exit_status::input_output, exit_status::configuration};

constexpr std::array base64_actions{
    action{.path = "base64",
           .summary = "encode or decode Base64",
           .operands = "[TEXT...]",
           .description = "Encodes its arguments, joined by spaces, or else its input, as one line of Base64 with "
                          "padding (RFC 4648). With -d it decodes, and rejects anything that is not valid Base64; on a "
                          "terminal, control characters are escaped. Passwords belong in the input, not in the "
                          "arguments, which every user of the machine can read.",
           .options = base64_options,
           .takes_text = true,
           .examples = base64_examples,
           .statuses = base64_statuses,
           .run = run_base64},
};

}  // namespace

const command base64_command{.name = "base64", .summary = "encode or decode Base64", .actions = base64_actions};

}  // namespace netlab::app
