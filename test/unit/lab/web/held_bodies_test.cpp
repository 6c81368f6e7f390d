// SPDX-License-Identifier: MIT
#include "lab/web/held_bodies.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace netlab::lab::held_bodies_test {

TEST_CASE("held_bodies: equal bodies are held once", "[lab][unit]") {
  held_bodies bodies(100);
  const auto first = bodies.hold(std::string(60, 'x'), true);
  REQUIRE(first);
  CHECK(bodies.hold(std::string(60, 'x'), true) == first);
  CHECK(bodies.hold(std::string(60, 'y'), true) == nullptr);
}

TEST_CASE("held_bodies: what has been sent makes room again", "[lab][unit]") {
  held_bodies bodies(100);
  auto first = bodies.hold(std::string(60, 'x'), true);
  CHECK_FALSE(bodies.hold(std::string(60, 'y'), true));
  first.reset();
  CHECK(bodies.hold(std::string(100, 'y'), true));
}

TEST_CASE("held_bodies: students do not take the teacher's room", "[lab][unit]") {
  held_bodies bodies(100);
  const auto students = bodies.hold(std::string(100, 'x'), false);
  REQUIRE(students);
  CHECK_FALSE(bodies.hold("y", false));
  CHECK(bodies.hold(std::string(100, 'y'), true));
}

TEST_CASE("held_bodies: a student who reads the same as the teacher does not hold the teacher's room", "[lab][unit]") {
  held_bodies bodies(100);
  auto teachers = bodies.hold(std::string(60, 'x'), true);
  const auto students = bodies.hold(std::string(60, 'x'), false);
  REQUIRE(students);
  teachers.reset();
  CHECK(bodies.hold(std::string(100, 'y'), true));
}

TEST_CASE("held_bodies: a body may outlive them", "[lab][unit]") {
  std::shared_ptr<const std::string> kept;
  {
    held_bodies bodies(100);
    kept = bodies.hold("x", true);
  }
  REQUIRE(kept);
  CHECK(*kept == "x");
}

}  // namespace netlab::lab::held_bodies_test
