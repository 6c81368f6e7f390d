// SPDX-License-Identifier: MIT
// Accounts for the tests of the mail server.
#pragma once

#include <catch2/catch_test_macros.hpp>

#include "mail/login/accounts.hpp"

namespace netlab::mail::test_server {

/// tim with the password geheim, and a user whose name and password are not ASCII.
inline const accounts& users() {
  static const accounts all = [] {
    accounts some(secret("0123456789abcdef"));
    REQUIRE(some.add("tim", secret("geheim")));
    REQUIRE(some.add("j\xc3\xb6rg, =", secret("sch\xc3\xb6n")));
    return some;
  }();
  return all;
}

}  // namespace netlab::mail::test_server
