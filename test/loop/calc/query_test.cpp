// SPDX-License-Identifier: MIT
// The calculation client against correct servers, and against faulty ones like those of students.
#include "calc/io/query.hpp"

#include <catch2/catch_test_macros.hpp>

#include "calc/io/bench.hpp"
#include "simple/io/serve.hpp"
#include "support/calc.hpp"
#include "support/failure.hpp"

namespace netlab::calc::query_test {

using namespace test;
using namespace std::chrono_literals;
using net::transport;

namespace {

calc::query_options at(std::uint16_t port, transport over = transport::tcp) {
  return {.protocol = over, .host = "127.0.0.1", .port = port, .timeout = 20s};
}

const calc::request sum{.id = 1, .op = "SUM", .numbers = {2, 3}};

/// The result, or why there is none.
std::string ask(const calc::query_options& options, const calc::request& request = sum) {
  const auto reply = outcome_of(calc::query_one(options, request));
  if (!reply) return "cannot ask: " + why(reply);
  return reply->answer.value ? std::to_string(*reply->answer.value) : why(reply->answer.value);
}

/// A source of `count` requests `SUM n`, and the outcome of each. `one_by_one`: each request comes after the outcome of
/// the one before.
class source final : public calc::requester {
 public:
  explicit source(std::uint32_t count, bool one_by_one) : count_(count), one_by_one_(one_by_one) {}
  std::optional<item> take() override {
    if (next_ == count_ || (one_by_one_ && outcomes.size() < next_)) return std::nullopt;
    ++next_;
    return item{next_, {.id = next_, .op = "SUM", .numbers = {static_cast<std::int32_t>(next_)}}};
  }
  [[nodiscard]] bool finished() const override { return next_ == count_; }
  void on_change(std::function<void()>) override {}
  void report(const calc::outcome& one, const net::ends&) override {
    outcomes.push_back(std::to_string(one.tag) + " " + (one.value ? std::to_string(*one.value) : why(one.value)));
  }

  std::vector<std::string> outcomes;

 private:
  std::uint32_t count_;
  bool one_by_one_;
  std::uint32_t next_ = 0;
};

std::vector<std::string> ask_all(const calc::query_options& options, std::uint32_t count, bool one_by_one = false) {
  source requests(count, one_by_one);
  const auto done = outcome_of(calc::query(options, requests));
  if (!done) requests.outcomes.push_back("cannot ask: " + why(done));
  return requests.outcomes;
}

std::string place(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port) + ": "; }

}  // namespace

TEST_CASE("calc query: one request over TCP and UDP, both byte orders", "[calc][loop]") {
  for (const byte_order order : {byte_order::big, byte_order::little}) {
    calculator here({.session = {.order = order}});
    for (const transport over : {transport::tcp, transport::udp}) {
      auto options = at(here.serving.port(), over);
      options.order = order;
      CHECK(ask(options) == "5");
    }
  }
}

TEST_CASE("calc query: tells both ends and the time taken", "[calc][loop]") {
  calculator here;
  for (const transport over : {transport::tcp, transport::udp}) {
    auto options = at(here.serving.port(), over);
    options.local = net::parse_local_end("127.0.0.7").value();
    const auto reply = outcome_of(calc::query_one(options, sum));
    REQUIRE(reply);
    CHECK(reply->where.local.starts_with("127.0.0.7:"));
    CHECK(reply->where.remote == "127.0.0.1:" + std::to_string(here.serving.port()));
    CHECK(reply->answer.elapsed > 0s);
  }
}

TEST_CASE("calc query: thousands of requests, pipelined, are told in their order", "[calc][loop]") {
  calculator here;
  const auto outcomes = ask_all(at(here.serving.port()), 3000);
  REQUIRE(outcomes.size() == 3000);
  for (std::uint32_t id = 1; id <= 3000; ++id)
    REQUIRE(outcomes[id - 1] == std::to_string(id) + " " + std::to_string(id));
}

TEST_CASE("calc query: thousands of requests over UDP are all told", "[calc][loop]") {
  calculator here;
  auto outcomes = ask_all(at(here.serving.port(), transport::udp), 3000);
  CHECK(outcomes.size() == 3000);
  for (const std::string& each : outcomes) {
    const auto blank = each.find(' ');
    REQUIRE(each.substr(0, blank) == each.substr(blank + 1));
  }
}

TEST_CASE("calc query: an outcome is told before there is another request", "[calc][loop]") {
  calculator here;
  for (const transport over : {transport::tcp, transport::udp})
    CHECK(ask_all(at(here.serving.port(), over), 3, true) == std::vector<std::string>{"1 1", "2 2", "3 3"});
}

TEST_CASE("calc query: a server of the other byte order is recognised", "[calc][loop]") {
  calculator here({.session = {.order = byte_order::little}});
  for (const transport over : {transport::tcp, transport::udp})
    CHECK(ask(at(here.serving.port(), over), {.id = 1, .op = "MIN", .numbers = {1, 256}}) ==
          place(here.serving.port()) +
              "answered 256, which is the right value in the other byte order (try --byte-order little)");
}

TEST_CASE("calc query: a server of the other byte order that cannot answer is guessed", "[calc][loop]") {
  calculator here({.session = {.order = byte_order::little}});
  const calc::request product{.id = 1, .op = "PRO", .numbers = {2, 3}};
  const std::string hint = " (the server may use the other byte order: try --byte-order little)";
  CHECK(ask(at(here.serving.port()), product) ==
        place(here.serving.port()) + "the connection was closed without an answer" + hint);
  auto options = at(here.serving.port(), transport::udp);
  options.timeout = 90ms;
  CHECK(ask(options, product) == place(here.serving.port()) + "no answer within 90 ms to 3 datagrams" + hint);
}

TEST_CASE("calc query: an echo service is recognised", "[calc][loop]") {
  simple::server server(simple::echo, {}, [](const std::string&) {});
  const running here(server, server.limits());
  for (const transport over : {transport::tcp, transport::udp})
    CHECK(ask(at(here.port(), over)) ==
          place(here.port()) + "the request came back unchanged: this is an echo service, not a calculation server");
}

TEST_CASE("calc query: another ID is named, over TCP and UDP", "[calc][loop]") {
  scripted tcp(SOCK_STREAM, [](bound_socket& socket) {
    peer one = socket.accept();
    static_cast<void>(one.receive(16));
    one.send(octets("00000009 00000005"));
    static_cast<void>(one.receive_all());
  });
  CHECK(ask(at(tcp.port())) == place(tcp.port()) + "the answer has ID 9, the request had 1");
  scripted udp(SOCK_DGRAM,
               [](bound_socket& socket) { reply(socket, receive_letter(socket), octets("00000009 00000005")); });
  CHECK(ask(at(udp.port(), transport::udp)) == place(udp.port()) + "the answer has ID 9, the request had 1");
}

TEST_CASE("calc query: a server that says nothing is left after the timeout", "[calc][loop]") {
  scripted silent(SOCK_STREAM, [](bound_socket& socket) {
    peer one = socket.accept();
    static_cast<void>(one.receive_all());
  });
  auto options = at(silent.port());
  options.timeout = 100ms;
  CHECK(ask(options, {.id = 1, .op = "MAX", .numbers = {7}}) == place(silent.port()) + "no answer within 100 ms");
}

TEST_CASE("calc query: half an answer and then silence, or the end", "[calc][loop]") {
  scripted half(SOCK_STREAM, [](bound_socket& socket) {
    for (const bool stays : {true, false}) {
      peer one = socket.accept();
      static_cast<void>(one.receive(12));
      one.send(octets("00000001 00"));
      if (stays) static_cast<void>(one.receive_all());
    }
  });
  auto options = at(half.port());
  const calc::request max{.id = 1, .op = "MAX", .numbers = {7}};
  options.timeout = 200ms;
  CHECK(ask(options, max) == place(half.port()) + "5 of 8 octets of the answer, then silence for 200 ms");
  options.timeout = 20s;
  CHECK(ask(options, max) == place(half.port()) + "the connection ended after 5 of 8 octets of the answer");
}

TEST_CASE("calc query: an answer in pieces is an answer", "[calc][loop]") {
  scripted slow(SOCK_STREAM, [](bound_socket& socket) {
    peer one = socket.accept();
    if (one.receive(16) != sum_request) give_up("another request");
    for (const char each : sum_reply) one.send({&each, 1});
    static_cast<void>(one.receive_all());
  });
  CHECK(ask(at(slow.port())) == "5");
  CHECK(slow.trouble().empty());
}

TEST_CASE("calc query: a request is one segment, whole", "[calc][loop]") {
  scripted once(SOCK_STREAM, [](bound_socket& socket) {  // as a server that calls recv() once
    peer one = socket.accept();
    if (one.receive_some() != sum_request) give_up("not the whole request at once");
    one.send(sum_reply);
    static_cast<void>(one.receive_all());
  });
  CHECK(ask(at(once.port())) == "5");
  CHECK(once.trouble().empty());
}

TEST_CASE("calc query: an answer that is too long is wrong, over TCP and UDP", "[calc][loop]") {
  scripted tcp(SOCK_STREAM, [](bound_socket& socket) {
    peer one = socket.accept();
    static_cast<void>(one.receive(16));
    one.send(sum_reply + "more");
    static_cast<void>(one.receive_all());
  });
  CHECK(ask(at(tcp.port())) == place(tcp.port()) + "the answer has 12 octets, not 8");
  scripted udp(SOCK_DGRAM, [](bound_socket& socket) { reply(socket, receive_letter(socket), sum_reply + "more"); });
  CHECK(ask(at(udp.port(), transport::udp)) == place(udp.port()) + "the answer has 12 octets, not 8");
}

TEST_CASE("calc query: an empty datagram is no answer", "[calc][loop]") {
  scripted udp(SOCK_DGRAM, [](bound_socket& socket) { reply(socket, receive_letter(socket), ""); });
  CHECK(ask(at(udp.port(), transport::udp)) == place(udp.port()) + "the answer has 0 octets, not 8");
}

TEST_CASE("calc query: a server that closes behind each answer is connected to again", "[calc][loop]") {
  scripted once(SOCK_STREAM, [](bound_socket& socket) {
    for (std::uint32_t id = 1; id <= 5; ++id) {
      peer one = socket.accept();
      bytes answer;
      const std::string asked = one.receive(12);
      const calc::header head = calc::decode_header(as_bytes(asked), byte_order::big);
      calc::append_answer(answer, {.id = head.id, .value = static_cast<std::int32_t>(head.id)}, byte_order::big);
      one.send(as_text(answer));
      one.end_output();
      static_cast<void>(one.receive_all());
    }
  });
  CHECK(ask_all(at(once.port()), 5) == std::vector<std::string>{"1 1", "2 2", "3 3", "4 4", "5 5"});
  CHECK(once.trouble().empty());
}

TEST_CASE("calc query: a server that closes without an answer costs one request each time", "[calc][loop]") {
  scripted closes(SOCK_STREAM, [](bound_socket& socket) {
    for (int count = 0; count < 2; ++count) {
      peer one = socket.accept();
      static_cast<void>(one.receive(12));
      one.end_output();
      static_cast<void>(one.receive_all());
    }
  });
  const auto outcomes = ask_all(at(closes.port()), 2);
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].find("the connection was closed without an answer") != std::string::npos);
  CHECK(outcomes[1].find("the connection was closed without an answer") != std::string::npos);
}

TEST_CASE("calc query: a reset is told", "[calc][loop]") {
  scripted resets(SOCK_STREAM, [](bound_socket& socket) {
    peer one = socket.accept();
    static_cast<void>(one.receive(16));
    one.reset();
  });
  CHECK(ask(at(resets.port())) == place(resets.port()) + "connection reset by peer");
}

TEST_CASE("calc query: a full server is told as that", "[calc][loop]") {
  calculator here({.session = {}, .max_clients = 1});
  peer guest = peer::tcp(here.serving.port());
  guest.send(sum_request);
  CHECK((guest.receive(8) == sum_reply));
  CHECK(ask(at(here.serving.port())) ==
        place(here.serving.port()) + "the server says: error: too many clients, 1 at once; try again later");
}

TEST_CASE("calc query: nobody there is told for TCP and UDP", "[calc][loop]") {
  std::uint16_t port = 0;
  {
    const bound_socket gone(SOCK_DGRAM);
    port = gone.port();
  }
  CHECK(ask(at(port)) == "cannot ask: connect " + place(port) + "connection refused");
  CHECK(ask(at(port, transport::udp)).ends_with(place(port) + "connection refused"));
}

TEST_CASE("calc query: a lost datagram is sent again", "[calc][loop]") {
  scripted lossy(SOCK_DGRAM, [](bound_socket& socket) {
    const letter first = receive_letter(socket);
    const letter second = receive_letter(socket);
    if (first.text != second.text) give_up("another request");
    reply(socket, second, sum_reply);
  });
  auto options = at(lossy.port(), transport::udp);
  options.timeout = 3s;  // so that the second retransmission comes after 1 s
  CHECK(ask(options) == "5");
  CHECK(lossy.trouble().empty());
}

TEST_CASE("calc bench: counts and checks answers over TCP and UDP", "[calc][loop]") {
  calculator here;
  for (const transport over : {transport::tcp, transport::udp}) {
    calc::bench_options options{.server = at(here.serving.port(), over)};
    options.connections = 4;
    options.pipeline = 4;
    options.length = 200ms;
    const auto report = outcome_of(calc::bench(options));
    INFO(why(report));
    REQUIRE(report);
    CHECK(report->answers > 0);
    CHECK(report->wrong == 0);
    CHECK(report->lost == 0);
    CHECK(report->latencies.count() == report->answers);
    CHECK_FALSE(report->stopped);
  }
  CHECK(here.server.totals().refused == 0);
}

TEST_CASE("calc bench: wrong answers are counted as wrong", "[calc][loop]") {
  simple::server server(simple::echo, {}, [](const std::string&) {});
  const running here(server, server.limits());
  calc::bench_options options{.server = at(here.port(), transport::udp)};
  options.connections = 1;
  options.length = 100ms;
  const auto report = outcome_of(calc::bench(options));
  INFO(why(report));
  REQUIRE(report);
  CHECK(report->answers == 0);
  CHECK(report->wrong > 0);
  REQUIRE(report->first_failure);
  CHECK(describe(*report->first_failure).find("echo service") != std::string::npos);
}

TEST_CASE("calc bench: a server that is not there is an error", "[calc][loop]") {
  std::uint16_t port = 0;
  {
    const bound_socket gone(SOCK_DGRAM);
    port = gone.port();
  }
  for (const transport over : {transport::tcp, transport::udp}) {
    calc::bench_options options{.server = at(port, over)};
    options.length = 200ms;
    const auto report = outcome_of(calc::bench(options));
    CHECK(why(report).ends_with(place(port) + "connection refused"));
  }
}

}  // namespace netlab::calc::query_test
