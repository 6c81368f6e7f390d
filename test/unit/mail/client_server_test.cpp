// SPDX-License-Identifier: MIT
// The submission client and the server, with a network between them that cuts the streams at random.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <random>

#include "mail/client/client.hpp"
#include "mail/server/dialogue.hpp"
#include "support/failure.hpp"

namespace netlab::mail::client_server_test {

using namespace test_server;

namespace {

server_parameters login_required() {
  server_parameters with = with_users();
  with.starttls = starttls_offer::required;
  with.login_required = true;
  return with;
}

client_parameters plain_client() {
  client_parameters with;
  with.helo = "client.example";
  with.starttls = false;
  return with;
}

client_parameters client_with_login(mechanism which, std::string password = "geheim") {
  client_parameters with = plain_client();
  with.starttls = true;
  with.login = {.user = "tim",
                .password = secret(std::move(password)),
                .mechanisms = {which},
                .host = "mx.example",
                .port = 587,
                .nonce = "rOprNGfwEbeRWgbNEkqO"};
  return with;
}

/// Both machines, and the outcomes of the messages.
class talk {
 public:
  talk(const server_parameters& with, client_parameters as) : parameters(with), client_(std::move(as)) {}

  void submit(std::vector<std::string> to, std::string text, std::string from = "s@example.org") {
    submission submitted{.tag = ++tag_, .sender = *parse_address(from), .recipients = {}, .compose = {}};
    for (const std::string& each : to) submitted.recipients.push_back(*parse_address(each));
    submitted.compose = [text](server_abilities server) { return raw(std::make_shared<memory_source>(text), server); };
    client_.submit(std::move(submitted), now);
  }

  void submit_draft(const draft& message, const std::string& to) {
    submission submitted{.tag = ++tag_, .sender = message.from.address, .recipients = {}, .compose = {}};
    submitted.recipients.push_back(*parse_address(to));
    submitted.compose = [message](server_abilities server) { return compose(message, server); };
    client_.submit(std::move(submitted), now);
  }

  /// Runs until both have nothing to send; `longest`: the most octets that arrive at once, 0: no limit.
  void run(std::size_t longest = 0, std::uint32_t seed = 1) {
    std::minstd_rand random(seed);
    server session(parameters, store, nullptr, {.peer = "127.0.0.1"}, now);
    client_.start(std::nullopt, now);
    client_.close(now);
    std::string up;
    std::string down;
    for (int turn = 0; turn < 1'000'000; ++turn) {
      up += as_text(client_.take_output());
      down += as_text(session.take_output());
      if (up.empty() && down.empty()) {
        if (!client_.wants_tls() || !session.wants_tls()) break;
        const tls_facts facts{
            .binding = channel_binding{"tls-exporter", bytes(32)}, .version = "TLSv1.3", .cipher = "X"};
        client_.tls_started(facts, now);
        session.tls_started(facts, now);
        continue;
      }
      const auto carry = [&](std::string& octets, machine& to) {
        if (octets.empty()) return;
        const std::size_t size =
            longest == 0 ? octets.size() : std::min<std::size_t>(octets.size(), 1 + random() % longest);
        to.feed(as_bytes(std::string_view(octets).substr(0, size)), now);
        octets.erase(0, size);
      };
      carry(up, session);
      carry(down, client_);
    }
    server_done = session.done();
    counts = session.counts();
    if (session.done()) client_.eof(now);
    deliveries = client_.take_deliveries();
  }

  [[nodiscard]] std::string outcome(std::size_t at = 0) const {
    if (at >= deliveries.size()) return client_.session() ? "no delivery" : test::why(client_.session());
    const auto& one = deliveries[at].outcome;
    return one ? one->to_string() : test::why(one);
  }

  server_parameters parameters;
  memory_inbox store;
  std::vector<delivery> deliveries;
  session_counts counts;
  bool server_done = false;
  time_point now{1h};

 private:
  mail::client client_;
  std::uint64_t tag_ = 0;
};

}  // namespace

TEST_CASE("client and server: messages arrive as they were sent, in any cut", "[mail][server][client]") {
  const std::size_t longest = GENERATE(as<std::size_t>{}, 0, 1, 2, 7, 100, 5000);
  talk t(dialogue::plain(), plain_client());
  const std::string dots = "Subject: dots\r\n\r\n.\r\n..\r\n.x\r\nx.\r\n\r\n";
  std::string large = "Subject: large\r\n\r\n";
  for (int line = 0; line < 500; ++line) large += "a line of text, with a number: " + std::to_string(line) + "\r\n";
  t.submit({"a@example.org"}, dots);
  t.submit({"b@example.org", "c@example.org"}, large);
  for (int more = 0; more < 20; ++more) t.submit({"d@example.org"}, dots);
  t.run(longest);
  CHECK(t.server_done);
  REQUIRE(t.store.messages.size() == 22);
  CHECK(t.store.messages[0].content.ends_with(dots.substr(dots.find("\r\n\r\n"))));
  CHECK(t.store.messages[1].content.ends_with(large.substr(large.find("\r\n\r\n"))));
  CHECK(t.store.messages[1].from.recipients.size() == 2);
  REQUIRE(t.deliveries.size() == 22);
  CHECK(t.outcome(0) == "250 2.0.0 Queued as id1");
  CHECK(t.outcome(21) == "250 2.0.0 Queued as id22");
}

TEST_CASE("client and server: every mechanism logs in over STARTTLS", "[mail][server][client]") {
  using enum mechanism;
  const mechanism which = GENERATE(mechanism::plain, mechanism::login, cram_md5, scram_sha_256, scram_sha_256_plus);
  CAPTURE(name_of(which));
  server_parameters with = login_required();
  with.mechanisms = {which};  // the client supports binding and says so, which fails if the server offers it
  talk t(with, client_with_login(which));
  t.submit({"a@example.org"}, "Subject: x\r\n\r\nx\r\n");
  t.run(GENERATE(as<std::size_t>{}, 0, 1));
  CHECK(t.outcome() == "250 2.0.0 Queued as id1");
  REQUIRE(t.store.messages.size() == 1);
  CHECK(t.store.messages[0].from.user == "tim");
  CHECK(protocol_of(t.store.messages[0].from) == "ESMTPSA");
}

TEST_CASE("client and server: a wrong password sends nothing", "[mail][server][client]") {
  using enum mechanism;
  const mechanism which = GENERATE(mechanism::plain, mechanism::login, cram_md5, scram_sha_256_plus);
  CAPTURE(name_of(which));
  talk t(login_required(), client_with_login(which, "falsch"));
  t.submit({"a@example.org"}, "Subject: x\r\n\r\nx\r\n");
  t.run();
  CHECK(t.outcome().find("535 5.7.8 Wrong user or password") != std::string::npos);
  CHECK(t.store.messages.empty());
  CHECK(t.counts.errors == 1);
}

TEST_CASE("client and server: an address outside ASCII takes SMTPUTF8, and DSN wishes arrive",
          "[mail][server][client]") {
  client_parameters with = plain_client();
  with.dsn = {.notify = "SUCCESS,FAILURE", .ret = "HDRS"};
  talk t(dialogue::plain(), std::move(with));
  t.submit({"j\xc3\xb6rg@b\xc3\xbc"
            "cher.example"},
           "Subject: gr\xc3\xbc\xc3\x9f\r\n\r\n\xc3\xa4\r\n");
  t.run();
  CHECK(t.outcome() == "250 2.0.0 Queued as id1");
  REQUIRE(t.store.messages.size() == 1);
  const envelope& got = t.store.messages[0].from;
  CHECK(got.smtputf8);
  CHECK(got.body == body_type::eight_bit_mime);
  CHECK(got.ret == "HDRS");
  REQUIRE(got.recipients.size() == 1);
  CHECK(got.recipients[0].notify == "SUCCESS,FAILURE");
  CHECK(got.recipients[0].address.local == "j\xc3\xb6rg");
  CHECK(got.declared_size > 0);
}

TEST_CASE("client and server: an attachment travels as it is by BINARYMIME", "[mail][server][client]") {
  using namespace std::string_literals;
  const std::string octets = "\0\n\r\xff.\r\n.\r\n"s + std::string(5000, '\xfe') + "\r";
  draft sample;
  sample.from = *parse_mailbox("s@example.org");
  sample.message_id = "id@example.org";
  sample.text = "hello";
  sample.attachments.push_back({"a.bin", "", std::make_shared<memory_source>(octets)});
  talk t(dialogue::plain(), plain_client());
  t.submit_draft(sample, "a@example.org");
  t.run(GENERATE(as<std::size_t>{}, 0, 3, 1000));
  CHECK(t.outcome() == "250 2.0.0 Queued as id1");
  REQUIRE(t.store.messages.size() == 1);
  CHECK(t.store.messages[0].from.body == body_type::binary_mime);
  CHECK(t.store.messages[0].content.find("\r\n\r\n" + octets + "\r\n--=_") != std::string::npos);
}

TEST_CASE("client and server: one recipient of many is refused", "[mail][server][client]") {
  server_parameters with = dialogue::plain();
  with.reject.push_back(address_pattern::parse("no@example.org").value());
  talk t(with, plain_client());
  t.submit({"yes@example.org", "no@example.org"}, "Subject: x\r\n\r\nx\r\n");
  t.submit({"no@example.org"}, "Subject: y\r\n\r\ny\r\n");
  t.submit({"yes@example.org"}, "Subject: z\r\n\r\nz\r\n");
  t.run(GENERATE(as<std::size_t>{}, 0, 3));
  REQUIRE(t.deliveries.size() == 3);
  CHECK(t.store.messages.size() == 2);
  CHECK(t.deliveries[0].accepted == 1);
  REQUIRE(t.deliveries[0].refused.size() == 1);
  CHECK(t.deliveries[0].refused[0].recipient == "no@example.org");
}

}  // namespace netlab::mail::client_server_test
