// SPDX-License-Identifier: MIT
#include "mail/server/fault.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "support/failure.hpp"

namespace netlab::mail::fault_test {

namespace {

envelope from_to(const char* sender, const char* to) {
  envelope of;
  if (*sender != '\0') of.sender = parse_address(sender).value();
  of.recipients.push_back({.address = parse_address(to).value(), .notify = {}, .orcpt = {}});
  return of;
}

/// `x` for each occasion at which the fault occurs, `.` for others.
std::string times(fault_plan& plan, fault_stage at, const envelope& of, int occasions) {
  std::string all;
  for (int each = 0; each < occasions; ++each) all += plan.take_due(at, &of) != nullptr ? 'x' : '.';
  return all;
}

}  // namespace

TEST_CASE("fault: all are sorted by name, and each says what it is in a line", "[mail][fault]") {
  CHECK(std::ranges::is_sorted(all_faults(), {}, &fault::name));
  CHECK(std::ranges::adjacent_find(all_faults(), {}, &fault::name) == all_faults().end());
  for (const fault& each : all_faults()) {
    CAPTURE(each.name);
    CHECK_FALSE(each.description.empty());
    CHECK(each.description.size() <= 100);
    CHECK(each.description.find('\n') == std::string_view::npos);
    CHECK((each.words.empty() || each.words.ends_with("\r\n")));
    fault_plan plan;
    CHECK(plan.add(each.name));
    CHECK(plan.take_due(each.at) == &plan.entries().front());
  }
}

TEST_CASE("fault: triggers say when", "[mail][fault]") {
  struct expectation {
    std::string text;
    std::string times;
  };
  const auto one = GENERATE(values<expectation>({{"tempfail-data", "xxxxxxxxxx"},
                                                 {"tempfail-data:once", "x........."},
                                                 {"tempfail-data:every=3", "..x..x..x."},
                                                 {"tempfail-data:after=4", "....xxxxxx"},
                                                 {"tempfail-data:after=2:every=3", "....x..x.."},
                                                 {"tempfail-data:after=2:once", "..x......."},
                                                 {"tempfail-data:every=4:once", "...x......"},
                                                 {"tempfail-data:to=*", "xxxxxxxxxx"},
                                                 {"tempfail-data:to=r@EXAMPLE.org", "xxxxxxxxxx"},
                                                 {"tempfail-data:to=@example.org:once", "x........."},
                                                 {"tempfail-data:to=x@example.org", ".........."},
                                                 {"tempfail-data:from=s@example.org", "xxxxxxxxxx"},
                                                 {"tempfail-data:from=<>", ".........."},
                                                 {"tempfail-data:from=s@example.org:to=x@y.example", ".........."}}));
  CAPTURE(one.text);
  fault_plan plan;
  REQUIRE(plan.add(one.text));
  CHECK(times(plan, fault_stage::data, from_to("s@example.org", "r@example.org"), 10) == one.times);
  CHECK(plan.entries().front().fired() == static_cast<std::uint64_t>(std::ranges::count(one.times, 'x')));
  CHECK(plan.take_due(fault_stage::mail) == nullptr);
}

TEST_CASE("fault: only occasions that fit are counted", "[mail][fault]") {
  fault_plan plan;
  REQUIRE(plan.add("tempfail-end:to=r@example.org:every=2"));
  const envelope mine = from_to("", "r@example.org");
  const envelope other = from_to("", "x@example.org");
  CHECK(times(plan, fault_stage::end, mine, 1) == ".");
  CHECK(times(plan, fault_stage::end, other, 5) == ".....");
  CHECK(times(plan, fault_stage::end, mine, 1) == "x");
}

TEST_CASE("fault: RCPT is about its own recipient", "[mail][fault]") {
  fault_plan plan;
  REQUIRE(plan.add("reject-rcpt:to=a@example.org"));
  const envelope so_far = from_to("", "a@example.org");
  const address other = parse_address("b@example.org").value();
  CHECK(plan.take_due(fault_stage::rcpt, &so_far, &other) == nullptr);
  CHECK(plan.take_due(fault_stage::rcpt, &so_far, &so_far.recipients[0].address) != nullptr);
}

TEST_CASE("fault: an address literal keeps its colons", "[mail][fault]") {
  fault_plan plan;
  REQUIRE(plan.add("reject-rcpt:to=a@[IPv6:2001:db8::1]:once"));
  const envelope of = from_to("", "a@[IPv6:2001:db8::1]");
  CHECK(times(plan, fault_stage::rcpt, of, 2) == "x.");
}

TEST_CASE("fault: the first that is due happens, and the others when they are asked for", "[mail][fault]") {
  fault_plan plan;
  REQUIRE(plan.add("tempfail-mail:once"));
  REQUIRE(plan.add("reject-mail"));
  const auto* first = plan.take_due(fault_stage::mail);
  REQUIRE(first != nullptr);
  CHECK(first->definition().name == "tempfail-mail");
  const auto* second = plan.take_due(fault_stage::mail, nullptr, nullptr, first);
  REQUIRE(second != nullptr);
  CHECK(second->definition().name == "reject-mail");
  CHECK(plan.take_due(fault_stage::mail, nullptr, nullptr, second) == nullptr);
  CHECK(plan.take_due(fault_stage::mail)->definition().name == "reject-mail");
}

TEST_CASE("fault: what cannot be meant is refused with the cure", "[mail][fault]") {
  struct expectation {
    std::string text;
    std::string why;
  };
  const auto one = GENERATE(values<expectation>(
      {{"reject-rctp", "fault 'reject-rctp' is not known (did you mean reject-rcpt?)"},
       {"", "fault '' is not known (--fault list names them all)"},
       {"hang-end:to", "'' is empty"},
       {"hang-connect:to=a@b.example",
        "fault 'hang-connect:to=a@b.example' happens at connect, where no recipient is known"},
       {"reject-mail:to=a@b.example",
        "fault 'reject-mail:to=a@b.example' happens at MAIL, where no recipient is known"},
       {"reject-ehlo:from=a@b.example",
        "fault 'reject-ehlo:from=a@b.example' happens at EHLO, where no sender is known"},
       {"hang-end:twice",
        "fault 'hang-end:twice' has a trigger 'twice' that is not known (write :to=ADDR, :from=ADDR, "
        ":every=N, :after=N or :once)"},
       {"hang-end:once=1",
        "fault 'hang-end:once=1' has a trigger 'once=1' that is not known (write :to=ADDR, :from=ADDR, "
        ":every=N, :after=N or :once)"},
       {"hang-end:delay=1s",
        "fault 'hang-end:delay=1s' has a trigger 'delay=1s' that is not known (write :to=ADDR, "
        ":from=ADDR, :every=N, :after=N or :once)"}}));
  fault_plan plan;
  const auto added = plan.add(one.text);
  CHECK(test::failed_with(added, errc::usage));
  if (one.why != "'' is empty") CHECK(test::why(added) == one.why);
  CHECK(plan.empty());
  CHECK(test::failed_with(plan.add("hang-end:every=0"), errc::usage));
  CHECK(test::failed_with(plan.add("hang-end:every=x"), errc::usage));
  CHECK(test::failed_with(plan.add("hang-end:to=nobody"), errc::usage));
  CHECK(test::failed_with(plan.add("delay-replies:delay=x"), errc::usage));
}

TEST_CASE("fault: a delay can be given", "[mail][fault]") {
  fault_plan plan;
  REQUIRE(plan.add("delay-replies:delay=250ms"));
  CHECK(plan.entries().front().delay() == std::chrono::milliseconds(250));
}

TEST_CASE("fault: sessions in several threads are counted together", "[mail][fault]") {
  fault_plan plan;
  REQUIRE(plan.add("tempfail-mail:every=10"));
  REQUIRE(plan.add("reject-data:once"));
  std::atomic<int> fired{0};
  std::atomic<int> once{0};
  {
    std::vector<std::jthread> threads;
    for (int number = 0; number < 4; ++number)
      threads.emplace_back([&] {
        for (int each = 0; each < 1000; ++each) {
          if (plan.take_due(fault_stage::mail) != nullptr) ++fired;
          if (plan.take_due(fault_stage::data) != nullptr) ++once;
        }
      });
  }
  CHECK(fired == 400);
  CHECK(once == 1);
}

}  // namespace netlab::mail::fault_test
