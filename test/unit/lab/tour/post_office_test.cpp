// SPDX-License-Identifier: MIT
#include "lab/tour/post_office.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::lab::post_office_test {

namespace {

constexpr std::string_view text =
    "Return-Path: <a@b.example>\n"
    "Received: from c.example\n"
    "\tby d.example;\n"
    "\tMon, 1 Jan 2024 00:00:00 +0000\n"
    "To:\n"
    "Subject: x\n"
    "\n"
    "From: in the body\n"
    "\n"
    "end\n";

}  // namespace

TEST_CASE("post_office: a field's value is that behind its name, in any case", "[lab][post_office]") {
  CHECK(field_of(text, "Return-Path") == "<a@b.example>");
  CHECK(field_of(text, "subject") == "x");
  CHECK(field_of(text, "To").empty());
}

TEST_CASE("post_office: a field's further lines belong to it", "[lab][post_office]") {
  CHECK(field_of(text, "Received") == "from c.example by d.example; Mon, 1 Jan 2024 00:00:00 +0000");
}

TEST_CASE("post_office: what stands in the body is no field", "[lab][post_office]") {
  CHECK(field_of(text, "From").empty());
  CHECK(body_of(text) == "From: in the body\n\nend\n");
  CHECK(body_of("Subject: only\n").empty());
}

}  // namespace netlab::lab::post_office_test
