// SPDX-License-Identifier: MIT
// A TAP reporter with one line per test case, because Catch2's own has one per assertion: `-r cases -r
// console::out=%stderr`.
#include <catch2/catch_test_case_info.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
#include <catch2/reporters/catch_reporter_streaming_base.hpp>

#include <ostream>
#include <string>

namespace {

class cases final : public Catch::StreamingReporterBase {
 public:
  using StreamingReporterBase::StreamingReporterBase;

  static std::string getDescription() { return "TAP, a line for each test case"; }

  void testRunStarting(const Catch::TestRunInfo&) override { m_stream << "TAP version 13" << std::endl; }

  void assertionEnded(const Catch::AssertionStats& one) override {
    if (one.assertionResult.getResultType() == Catch::ResultWas::ExplicitSkip)
      skipped_ = std::string(one.assertionResult.getMessage());
  }

  void testCaseEnded(const Catch::TestCaseStats& one) override {
    ++count_;
    m_stream << (one.totals.testCases.failed > 0 ? "not ok " : "ok ") << count_ << " - ";
    for (const char each : one.testInfo->name) m_stream << (each == '#' ? "\\#" : std::string(1, each));
    if (one.totals.testCases.skipped > 0) m_stream << " # SKIP " << skipped_;
    m_stream << std::endl;  // flush, so that the output shows the last case before a crash
  }

  void testRunEnded(const Catch::TestRunStats&) override { m_stream << "1.." << count_ << std::endl; }

 private:
  int count_ = 0;
  std::string skipped_;
};

CATCH_REGISTER_REPORTER("cases", cases)

}  // namespace
