// SPDX-License-Identifier: MIT
#include "mail/login/saslprep.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"

namespace netlab::mail::saslprep_test {

using test::failed_with;

namespace {

std::string prepared(std::string_view text) {
  const auto made = saslprep(text);
  return made ? std::string(made->view()) : "refused";
}

}  // namespace

TEST_CASE("saslprep: ASCII stays as it is, controls are refused", "[mail][sasl]") {
  CHECK(prepared("") == "");
  CHECK(prepared("user") == "user");
  CHECK(prepared("USER name~") == "USER name~");
  CHECK(failed_with(saslprep("a\a"), errc::bad_data));
  CHECK(failed_with(saslprep("\x7f"), errc::bad_data));
  CHECK(failed_with(saslprep("\xff"), errc::bad_data));
}

#ifdef NETLAB_HAS_LIBIDN

TEST_CASE("saslprep: RFC 4013's examples", "[mail][sasl]") {
  CHECK(prepared("I\u00adX") == "IX");
  CHECK(prepared("\u00aa") == "a");
  CHECK(prepared("\u2168") == "IX");
  CHECK(failed_with(saslprep("\u0627\u0031"), errc::bad_data));
  CHECK(failed_with(saslprep("a\u0085"), errc::bad_data));
}

TEST_CASE("saslprep: one password, however it was typed", "[mail][sasl]") {
  CHECK(prepared("pa\u00dfw\u00f6rt") == "paßwört");
  CHECK(prepared("paßwo\u0308rt") == "paßwört");
  CHECK(prepared("a\u00a0b\u3000c") == "a b c");
  CHECK(prepared("ｐａｓｓ") == "pass");
  CHECK(prepared("🙂") == "🙂");
}

#else

TEST_CASE("saslprep: without libidn, text outside ASCII is refused with the cure", "[mail][sasl]") {
  CHECK(failed_with(saslprep("ü"), errc::not_permitted));
}

#endif

}  // namespace netlab::mail::saslprep_test
