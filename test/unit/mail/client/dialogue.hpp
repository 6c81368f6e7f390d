// SPDX-License-Identifier: MIT
// The submission client in a dialogue with a server played by the test.
#pragma once

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "mail/client/client.hpp"
#include "support/failure.hpp"

namespace netlab::mail::test_dialogue {

using namespace std::chrono_literals;

inline constexpr std::string_view letter = "Subject: x\r\n\r\nhello\r\n.dot\r\n";

/// The client; the test plays the server.
class dialogue {
 public:
  explicit dialogue(client_parameters with = plain(), std::string pieces = "whole")
      : session_(std::move(with),
                 [this](char who, std::string_view line) { transcript += fmt::format("{}: {}\n", who, line); }),
        bytewise_(pieces == "bytes") {}

  [[nodiscard]] static client_parameters plain() {
    client_parameters with;
    with.helo = "client.example";
    with.starttls = false;
    return with;
  }

  void submit(std::vector<std::string> to, std::string text = std::string(letter)) {
    submission message{.tag = next_tag_++, .sender = *parse_address("s@example.org"), .recipients = {}, .compose = {}};
    for (const std::string& each : to) message.recipients.push_back(*parse_address(each));
    message.compose = [text](server_abilities server) { return raw(std::make_shared<memory_source>(text), server); };
    session_.submit(std::move(message), now);
  }

  /// Everything that the client has sent so far.
  [[nodiscard]] std::string client() {
    std::string all;
    for (;;) {
      const bytes more = session_.take_output();
      if (more.empty()) return all;
      all += as_text(more);
    }
  }
  /// The server sends this; returns the client's answer.
  std::string server(std::string_view text) {
    if (bytewise_) {
      std::string all;
      for (const char each : text) {
        session_.feed(as_bytes(std::string_view(&each, 1)), now);
        all += client();
      }
      return all;
    }
    session_.feed(as_bytes(text), now);
    return client();
  }
  /// Greeting and EHLO.
  std::string begin(std::string_view keywords) {
    session_.start(std::nullopt, now);
    CHECK(server("220 mx\r\n") == "EHLO client.example\r\n");
    std::string answer = "250-mx\r\n";
    for (const auto each : words(keywords)) answer += fmt::format("250-{}\r\n", each);
    return server(answer + "250 OK\r\n");
  }

  mail::client& session() { return session_; }
  /// All results so far.
  [[nodiscard]] const std::vector<delivery>& deliveries() {
    for (delivery& each : session_.take_deliveries()) deliveries_.push_back(std::move(each));
    return deliveries_;
  }
  [[nodiscard]] std::string outcome(std::size_t at = 0) {
    if (at >= deliveries().size()) return "no delivery";
    const auto& one = deliveries()[at].outcome;
    return one ? one->to_string() : test::why(one);
  }
  [[nodiscard]] errc code(std::size_t at = 0) {
    return static_cast<errc>(deliveries().at(at).outcome.error().code.value());
  }

  std::string transcript;
  time_point now{1h};

 private:
  mail::client session_;
  std::vector<delivery> deliveries_;
  bool bytewise_;
  std::uint64_t next_tag_ = 1;
};

}  // namespace netlab::mail::test_dialogue
