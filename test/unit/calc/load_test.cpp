// SPDX-License-Identifier: MIT
#include "calc/load.hpp"

#include <catch2/catch_test_macros.hpp>

#include "calc/evaluate.hpp"
#include "calc/session.hpp"
#include "support/start.hpp"

namespace netlab::calc::load_test {

using namespace std::chrono_literals;
using test::start;

namespace {

struct no_observer final : session_observer {
  void refused(std::string_view why) override { reasons.emplace_back(why); }
  std::vector<std::string> reasons;
};

bytes answer_to(const prepared_requests& requests, std::uint32_t id, std::int32_t difference = 0) {
  bytes made;
  append_answer(made, {.id = id, .value = requests.result(id) + difference}, requests.order());
  return made;
}

bytes join(std::initializer_list<bytes> parts) {
  bytes all;
  for (const bytes& each : parts) append(all, each);
  return all;
}

}  // namespace

TEST_CASE("prepared requests: every one has the result that it says", "[calc][unit]") {
  for (const std::size_t numbers : {0U, 1U, 2U, 255U})
    for (const byte_order order : {byte_order::big, byte_order::little}) {
      const prepared_requests requests(numbers, order, 1);
      bool same = true;
      for (std::uint32_t at = 0; at < 5000; ++at) {
        const request asked = requests.decoded(at + 7, at);
        bytes encoded;
        bytes expected;
        requests.append(encoded, at + 7, at);
        append_request(expected, asked, order);
        same = same && encoded == expected && evaluate(asked) == requests.result(at) && asked.id == at + 7;
      }
      CHECK(same);
    }
}

TEST_CASE("prepared requests: counts the right answers up to the first wrong or incomplete one", "[calc][unit]") {
  for (const byte_order order : {byte_order::big, byte_order::little}) {
    const prepared_requests requests(3, order, 1);
    constexpr std::uint32_t first = 4090;  // the prepared ones begin again meanwhile
    bytes answers;
    for (std::uint32_t id = first; id < first + 10; ++id) append(answers, answer_to(requests, id));
    CHECK(requests.count_right({}, first, first) == 0);
    CHECK(requests.count_right(answers, first, first) == 10);
    CHECK(requests.count_right(answers, first + 1, first) == 0);
    CHECK(requests.count_right(bytes_view(answers).first(10 * answer_size - 1), first, first) == 9);
    for (std::size_t at = 0; at < answers.size(); ++at) {
      bytes wrong = answers;
      wrong[at] ^= std::byte{1};
      INFO(at);
      CHECK(requests.count_right(wrong, first, first) == at / answer_size);
    }
  }
}

TEST_CASE("stream load: the server's session answers all of it right, for every cut", "[calc][unit]") {
  const prepared_requests requests(3, byte_order::big, 1);
  for (const std::size_t piece : {1U, 7U, 8U, 9U, 1000U}) {
    load_tally tally;
    stream_load load(requests, tally, 1, 16, 5s);
    no_observer seen;
    session server({}, seen, start);
    session_memory memory;
    time_point now = start;
    for (int round = 0; round < 50; ++round) {
      bytes out;
      load.fill(out, now);
      now += 1ms;
      for (bytes_view rest = out; !rest.empty(); rest = rest.subspan(std::min(piece, rest.size())))
        server.feed(rest.first(std::min(piece, rest.size())), now, memory);
      for (bytes_view rest = memory.output; !rest.empty(); rest = rest.subspan(std::min(piece, rest.size())))
        load.feed(rest.first(std::min(piece, rest.size())), now);
      memory.output.clear();
    }
    CHECK(tally.answers == 50 * 16);
    CHECK(tally.latencies.max() == 1ms);
    CHECK((tally.wrong == 0 && tally.lost == 0 && seen.reasons.empty()));
    CHECK(load.in_flight() == 0);
  }
}

TEST_CASE("stream load: each latency runs from the time at which that request was sent", "[calc][unit]") {
  const prepared_requests requests(3, byte_order::big, 1);
  load_tally tally;
  stream_load load(requests, tally, 1, 4, 5s);
  bytes out;
  load.fill(out, start);
  load.feed(join({answer_to(requests, 1), answer_to(requests, 2)}), start + 1ms);
  load.fill(out, start + 1ms);
  load.feed(join({answer_to(requests, 3), answer_to(requests, 4), answer_to(requests, 5), answer_to(requests, 6)}),
            start + 8ms);
  histogram expected;
  for (const auto latency : {1ms, 1ms, 8ms, 8ms, 7ms, 7ms}) expected.record(latency);
  CHECK(tally.answers == expected.count());
  CHECK(tally.latencies.max() == expected.max());
  for (const double fraction : {0.3, 0.5, 0.6, 0.7}) {
    INFO(fraction);
    CHECK(tally.latencies.percentile(fraction) == expected.percentile(fraction));
  }
}

TEST_CASE("stream load: an answer that is too long is wrong, those before it are right", "[calc][unit]") {
  const prepared_requests requests(3, byte_order::big, 1);
  load_tally tally;
  stream_load load(requests, tally, 1, 2, 5s);
  bytes out;
  load.fill(out, start);
  load.feed(join({answer_to(requests, 1), answer_to(requests, 2), bytes(1)}), start);
  CHECK((tally.answers == 1 && tally.wrong == 1 && load.answers() == 1));
  CHECK((load.ended() && load.failed() && load.in_flight() == 0));
  CHECK(tally.first_failure->detail == "the answer has 9 octets, not 8");
}

TEST_CASE("stream load: a wrong answer is counted with a diagnosis, and the next one is right", "[calc][unit]") {
  const prepared_requests requests(3, byte_order::big, 1);
  load_tally tally;
  stream_load load(requests, tally, 1, 2, 5s);
  bytes out;
  load.fill(out, start);
  load.feed(answer_to(requests, 1, 1), start);
  load.feed(answer_to(requests, 2), start);
  CHECK((tally.wrong == 1 && tally.answers == 1));
  CHECK((load.failed() && !load.ended()));
  CHECK(tally.first_failure->code == errc::peer_protocol);
}

TEST_CASE("stream load: an echo ends it", "[calc][unit]") {
  const prepared_requests requests(3, byte_order::big, 1);
  load_tally tally;
  stream_load load(requests, tally, 1, 2, 5s);
  bytes out;
  load.fill(out, start);
  load.feed(out, start);
  CHECK(load.ended());
  CHECK(tally.first_failure->detail.find("echo") != std::string::npos);
}

TEST_CASE("stream load: silence ends it after the timeout, and what is left is in flight", "[calc][unit]") {
  const prepared_requests requests(3, byte_order::big, 1);
  load_tally tally;
  stream_load load(requests, tally, 1, 4, 5s);
  CHECK_FALSE(load.deadline());
  bytes out;
  load.fill(out, start);
  REQUIRE(load.deadline() == start + 5s);
  load.feed(answer_to(requests, 1), start + 2s);
  REQUIRE(load.deadline() == start + 7s);
  load.tick(start + 6s);
  CHECK_FALSE(load.ended());
  load.tick(start + 7s);
  CHECK((load.ended() && tally.lost == 1 && load.in_flight() == 2));
  CHECK(tally.first_failure->code == errc::timed_out);
}

TEST_CASE("stream load: goes on where a connection that gave answers has ended", "[calc][unit]") {
  const prepared_requests requests(3, byte_order::big, 1);
  load_tally tally;
  stream_load load(requests, tally, 1, 4, 5s);
  bytes out;
  load.fill(out, start);
  load.feed(answer_to(requests, 1), start);
  load.eof(start);
  CHECK((load.ended() && !load.failed() && load.in_flight() == 3));
  stream_load next(load, load.oldest());
  bytes again;
  next.fill(again, start);
  CHECK(decode_header(again, byte_order::big).id == 2);
  CHECK(next.in_flight() == 4);
}

TEST_CASE("datagram load: answers in any order, duplicates and late ones", "[calc][unit]") {
  const prepared_requests requests(3, byte_order::big, 1);
  load_tally tally;
  datagram_load load(requests, tally, 0, 4, 5s);
  bytes out;
  load.fill(out, start);
  CHECK(load.in_flight() == 4);
  for (const std::uint32_t id : {2U, 0U, 3U, 2U, 0U, 1U}) load.receive(answer_to(requests, id), start + 1ms);
  CHECK((tally.answers == 4 && tally.wrong == 0 && load.in_flight() == 0));
  out.clear();
  load.fill(out, start + 2ms);
  load.receive(answer_to(requests, 2), start + 3ms);  // of the round before
  CHECK((tally.answers == 4 && load.in_flight() == 4));
  load.receive(answer_to(requests, 6), start + 3ms);
  CHECK(tally.answers == 5);
}

TEST_CASE("datagram load: what is lost makes room after the timeout", "[calc][unit]") {
  const prepared_requests requests(3, byte_order::big, 1);
  load_tally tally;
  datagram_load load(requests, tally, 0, 2, 5s);
  bytes out;
  load.fill(out, start);
  load.receive(answer_to(requests, 0), start + 1s);
  load.fill(out, start + 1s);
  REQUIRE(load.deadline() == start + 5s);
  load.tick(start + 5s);
  CHECK((tally.lost == 1 && load.in_flight() == 1));
  CHECK(load.deadline() == start + 6s);
  load.receive(bytes(8, std::byte{0xff}), start + 5s);  // an unknown ID: it counts for the oldest
  CHECK((tally.wrong == 1 && load.in_flight() == 0));
}

TEST_CASE("datagram load: a refusal fails all in flight", "[calc][unit]") {
  const prepared_requests requests(3, byte_order::big, 1);
  load_tally tally;
  datagram_load load(requests, tally, 0, 3, 5s);
  bytes out;
  load.fill(out, start);
  load.fail_all({std::make_error_code(std::errc::connection_refused), {}, {}, {}});
  CHECK((tally.lost == 3 && load.in_flight() == 0));
  CHECK_FALSE(load.deadline());
}

}  // namespace netlab::calc::load_test
