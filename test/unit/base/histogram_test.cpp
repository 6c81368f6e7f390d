// SPDX-License-Identifier: MIT
#include "base/histogram.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace netlab::histogram_test {

using namespace std::chrono_literals;

namespace {

// The smallest sample that at least this fraction of all samples do not exceed.
duration exact(const std::vector<duration>& sorted, double fraction) {
  const auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(1, rank) - 1];
}

}  // namespace

TEST_CASE("histogram: without samples everything is 0", "[base][unit]") {
  const histogram empty;
  CHECK(empty.count() == 0);
  CHECK(empty.max() == 0s);
  CHECK(empty.percentile(0.5) == 0s);
}

TEST_CASE("histogram: one sample is every percentile", "[base][unit]") {
  for (const duration sample :
       {duration(0), duration(1), duration(127), duration(128), duration(123'456'789), duration(1h)}) {
    histogram one;
    one.record(sample);
    for (const double fraction : {0.0, 0.5, 0.999, 1.0}) CHECK(one.percentile(fraction) == sample);
  }
}

TEST_CASE("histogram: percentiles are at most 1.6 % above the exact ones, and never below", "[base][unit]") {
  std::mt19937 random(7);
  std::lognormal_distribution<double> spread(11, 2);
  std::vector<duration> samples;
  histogram measured;
  for (int count = 0; count < 20'000; ++count) {
    samples.emplace_back(static_cast<duration::rep>(spread(random)));
    measured.record(samples.back());
  }
  std::sort(samples.begin(), samples.end());
  CHECK(measured.count() == samples.size());
  CHECK(measured.max() == samples.back());
  for (const double fraction : {0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const duration right = exact(samples, fraction);
    const duration got = measured.percentile(fraction);
    INFO(fraction);
    CHECK(got >= right);
    CHECK(static_cast<double>(got.count()) <= static_cast<double>(right.count()) * 1.016);
  }
}

TEST_CASE("histogram: of a few samples a percentile is one of them, never one too early", "[base][unit]") {
  histogram three;
  for (const int sample : {10, 20, 30}) three.record(duration(sample));
  CHECK(three.percentile(0.33) == duration(10));
  CHECK(three.percentile(0.34) == duration(20));
  CHECK(three.percentile(0.5) == duration(20));
  CHECK(three.percentile(0.67) == duration(30));
}

TEST_CASE("histogram: takes the longest duration there is, and counts a negative one as 0", "[base][unit]") {
  histogram ends;
  ends.record(duration::max());
  ends.record(duration(-5));
  CHECK(ends.count() == 2);
  CHECK(ends.percentile(0.5) == 0s);
  CHECK(ends.percentile(1) == duration::max());
}

TEST_CASE("histogram: several equal samples at once are as many", "[base][unit]") {
  histogram at_once;
  histogram one_by_one;
  for (const duration sample : {duration(3), duration(5'000), duration(3)}) {
    at_once.record(sample, 7);
    for (int count = 0; count < 7; ++count) one_by_one.record(sample);
  }
  CHECK(at_once.count() == one_by_one.count());
  CHECK(at_once.max() == one_by_one.max());
  for (const double fraction : {0.1, 0.6, 0.7, 1.0})
    CHECK(at_once.percentile(fraction) == one_by_one.percentile(fraction));
}

TEST_CASE("histogram: two merged are as one", "[base][unit]") {
  histogram one;
  histogram other;
  histogram both;
  for (int count = 1; count <= 1000; ++count) {
    const duration sample(count * 977);
    (count % 3 == 0 ? one : other).record(sample);
    both.record(sample);
  }
  one.merge(other);
  CHECK(one.count() == both.count());
  CHECK(one.max() == both.max());
  for (const double fraction : {0.1, 0.5, 0.99}) CHECK(one.percentile(fraction) == both.percentile(fraction));
}

TEST_CASE("histogram: a fraction outside 0 to 1 is taken as the nearer end", "[base][unit]") {
  histogram two;
  two.record(1us);
  two.record(1ms);
  CHECK(two.percentile(-1) == two.percentile(0));
  CHECK(two.percentile(2) == two.percentile(1));
}

}  // namespace netlab::histogram_test
