// SPDX-License-Identifier: MIT
#include "mail/message/dots.hpp"

#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace netlab::mail::dots_test {

TEST_CASE("dots: a line that begins with a dot gets another, in any cut", "[mail][dots]") {
  const std::string text = ".a\r\nb.\r\n..\r\n.\r\nx.y\r\n.";
  const std::size_t cut = GENERATE(1u, 2u, 3u, 5u, 100u);
  dot_stuffer stuffer;
  bytes out;
  for (std::size_t at = 0; at < text.size(); at += cut) stuffer.append_to(out, std::string_view(text).substr(at, cut));
  CHECK(as_text(out) == "..a\r\nb.\r\n...\r\n..\r\nx.y\r\n..");
}

}  // namespace netlab::mail::dots_test
