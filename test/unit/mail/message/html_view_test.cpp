// SPDX-License-Identifier: MIT
#include "mail/message/html_view.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::mail::html_view_test {

TEST_CASE("html view: elements that act beyond their frame get another name, in any case", "[mail][unit]") {
  CHECK(defused_html("<link rel=preconnect href=//x>") == "<x-link rel=preconnect href=//x>");
  CHECK(defused_html("<LiNk>a</LINK>") == "<x-LiNk>a</x-LINK>");
  CHECK(defused_html("<meta http-equiv=refresh>") == "<x-meta http-equiv=refresh>");
  CHECK(defused_html("<<script>alert(1)</script>") == "<<x-script>alert(1)</x-script>");
  CHECK(defused_html("<!--<base>--><iframe src=x>") == "<!--<x-base>--><x-iframe src=x>");
}

TEST_CASE("html view: links lead nowhere, and elements that begin alike stay", "[mail][unit]") {
  CHECK(defused_html("<a href=//x>y</a><A\nhref=z><area/>") == "<x-a href=//x>y</x-a><x-A\nhref=z><x-area/>");
  CHECK(defused_html("<abbr>a</abbr><article><aside>") == "<abbr>a</abbr><article><aside>");
}

TEST_CASE("html view: everything else stays as it is", "[mail][unit]") {
  for (const char* html : {"", "<", "</", "<b>Grüße</b>", "a < b", "<p class=link>form</p>", "< link>", "<header>"})
    CHECK(defused_html(html) == html);
}

TEST_CASE("html view: a name that is cut at the end of the text is not read beyond it", "[mail][unit]") {
  for (const char* html : {"<li", "</sc", "<met"}) CHECK(defused_html(html) == html);
}

}  // namespace netlab::mail::html_view_test
