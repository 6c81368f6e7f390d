// SPDX-License-Identifier: MIT
// Whatever a server sends: each message is reported or given back once; no password is sent without TLS or traced;
// lines end in CRLF only; no mail commands are sent before TLS.
#include <algorithm>

#include "base/text.hpp"
#include "fuzz.hpp"
#include "mail/client/client.hpp"

using namespace netlab;

namespace {

constexpr std::string_view password = "Geheimnis";
constexpr std::string_view password_in_base64 = "R2VoZWltbmlz";  // as LOGIN sends it

mail::client_parameters parameters(unsigned choice) {
  mail::client_parameters with;
  with.helo = "client.example";
  with.starttls = (choice & 1U) != 0;
  with.all_or_nothing = (choice & 2U) != 0;
  if ((choice & 4U) != 0) {
    using enum mail::mechanism;
    with.login = {.user = "user",
                  .password = secret(std::string(password)),
                  .mechanisms = {scram_sha_256_plus, scram_sha_256, cram_md5, plain, login},
                  .host = "mx.example",
                  .port = 587,
                  .nonce = "rOprNGfwEbeRWgbNEkqO"};
  }
  if ((choice & 8U) != 0) with.dsn = {.notify = "FAILURE", .ret = "HDRS"};
  return with;
}

mail::submission message(std::uint64_t tag, std::size_t recipients) {
  mail::submission what{
      .tag = tag, .sender = mail::parse_address("a@example.org").value(), .recipients = {}, .compose = {}};
  for (std::size_t at = 0; at < recipients; ++at)
    what.recipients.push_back(mail::parse_address("r" + std::to_string(at) + "@example.org").value());
  what.compose = [](mail::server_abilities server) {
    return mail::raw(std::make_shared<mail::memory_source>("Subject: x\n\n.hello\n.\nMAIL\n"), server);
  };
  return what;
}

bool ends_lines_well(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n' && (at == 0 || text[at - 1] != '\r')) return false;
    if (text[at] == '\r' && (at + 1 == text.size() || text[at + 1] != '\n')) return false;
  }
  return true;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t submitted = 3;
  std::string_view input = fuzz::text_of(data, size);
  const unsigned choice = fuzz::take_octet(input);
  const auto pieces = fuzz::take_cut(input);
  std::string told;
  std::vector<int> reported(submitted);
  mail::client client(parameters(choice), [&](char who, std::string_view line) {
    if (who == 'C') told += line;  // a server may send anything
  });
  const time_point now{};
  bool is_secure = (choice & 16U) != 0 && (choice & 1U) == 0;
  client.start(is_secure ? std::optional(tls_facts{}) : std::nullopt, now);
  for (std::size_t tag = 0; tag < submitted; ++tag) client.submit(message(tag, tag + 1), now);
  client.close(now);

  std::string plain;
  std::string sent;
  const auto take = [&] {
    for (;;) {
      const bytes more = client.take_output();
      if (more.empty()) break;
      (is_secure ? sent : plain) += as_text(more);
    }
    for (const mail::delivery& one : client.take_deliveries()) {
      ++reported.at(one.tag);
      fuzz::require(!one.outcome || (one.accepted > 0 && one.outcome->is_positive()),
                    "what was sent was sent to somebody");
      if (!one.outcome) fuzz::require(fuzz::is_harmless(describe(one.outcome.error())), "an error is harmless");
    }
  };
  for (const std::string_view piece : pieces) {
    client.feed(as_bytes(piece), now);
    take();
    if (client.wants_tls()) {
      is_secure = true;
      client.tls_started({}, now);
      take();
    }
  }
  if ((choice & 32U) != 0) {
    client.tick(client.deadline().value_or(now));
  } else {
    client.eof(now);
  }
  take();
  if (!client.done()) client.eof(now);
  take();
  fuzz::require(client.done(), "it ends with the connection");
  for (const mail::submission& one : client.take_unsent()) ++reported.at(one.tag);
  for (const int times : reported) fuzz::require(times == 1, "each message is reported or given back, once");

  fuzz::require(ends_lines_well(plain) && ends_lines_well(sent), "only CRLF ends a line");
  for (const std::string_view shown : {std::string_view(told), std::string_view(plain)}) {
    fuzz::require(shown.find(password) == std::string_view::npos, "no password in clear");
    fuzz::require(shown.find(password_in_base64) == std::string_view::npos, "no password in clear");
  }
  fuzz::require(plain.find("AUTH") == std::string::npos, "no login without TLS");
  if ((choice & 1U) != 0) fuzz::require(plain.find("MAIL") == std::string::npos, "no mail before TLS");
  if ((choice & 4U) != 0)
    fuzz::require((plain + sent).find("MAIL FROM") == std::string::npos || sent.find("AUTH ") != std::string::npos,
                  "no mail without the login that was asked for");
  return 0;
}
