// SPDX-License-Identifier: MIT
#include "mail/server.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "server_dialogue.hpp"

using namespace netlab;
using namespace netlab::mail;
using namespace netlab::mail::test_server;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

TEST_CASE("server: a message goes from greeting to farewell", "[mail][server]") {
  dialogue d;
  CHECK(d.said() == "220 mx.example ESMTP netlab\r\n");
  CHECK(d.client("EHLO client.example\r\n") ==
        "250-mx.example\r\n250-PIPELINING\r\n250-SIZE 33554432\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"
        "250-CHUNKING\r\n250 ENHANCEDSTATUSCODES\r\n");
  CHECK(d.client("MAIL FROM:<s@example.org>\r\n") == "250 2.1.0 Sender ok\r\n");
  CHECK(d.client("RCPT TO:<r@example.org>\r\n") == "250 2.1.5 Recipient ok\r\n");
  CHECK(d.client("DATA\r\n") == "354 End with CR LF . CR LF\r\n");
  CHECK(d.client("Subject: x\r\n\r\nhello\r\n..dot\r\n.\r\n") == "250 2.0.0 Queued as id1\r\n");
  CHECK(d.client("QUIT\r\n") == "221 2.0.0 Bye\r\n");
  CHECK(d.session.done());
  REQUIRE(d.store.messages.size() == 1);
  CHECK(d.store.messages[0].content == "Subject: x\r\n\r\nhello\r\n.dot\r\n");
  CHECK(d.store.messages[0].from.sender_text() == "s@example.org");
  CHECK(d.watch.events == "accepted id1 from s@example.org for 1, 27 octets\nended quit: 1 accepted\n");
}
