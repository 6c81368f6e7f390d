// SPDX-License-Identifier: MIT
#include "calc/io/segmentation.hpp"

#include <netinet/udp.h>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace netlab::calc::segmentation_test {

namespace {

struct alignas(cmsghdr) control : std::array<std::byte, segmentation_control_size> {};

/// The datagrams of these octets, which came with this size of segments, or without any (0).
std::vector<std::string> divided(std::string_view octets, int size) {
  control buffer{};
  msghdr received{};
  if (size > 0) {
    received.msg_control = buffer.data();
    received.msg_controllen = buffer.size();
    cmsghdr* const one = CMSG_FIRSTHDR(&received);
    *one = {.cmsg_len = CMSG_LEN(sizeof size), .cmsg_level = SOL_UDP, .cmsg_type = UDP_GRO};
    std::memcpy(CMSG_DATA(one), &size, sizeof size);
  }
  std::vector<std::string> all;
  for_each_datagram(received, as_bytes(octets), [&](bytes_view each) { all.emplace_back(as_text(each)); });
  return all;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("segmentation: a received piece is divided into its datagrams, the last of which may be shorter",
          "[calc][loop]") {
  CHECK(divided("aaabbbcc", 3) == texts{"aaa", "bbb", "cc"});
  CHECK(divided("aaabbb", 3) == texts{"aaa", "bbb"});
  CHECK(divided("aa", 3) == texts{"aa"});
}

TEST_CASE("segmentation: a message without a size of segments is one datagram, even if it is empty", "[calc][loop]") {
  CHECK(divided("aaabbb", 0) == texts{"aaabbb"});
  CHECK(divided("", 0) == texts{""});
}

TEST_CASE("segmentation: a size of segments that is removed leaves the control data as they were", "[calc][loop]") {
  control buffer{};
  msghdr message{};
  message.msg_control = buffer.data();
  set_segment_size(message, 8);
  CHECK(message.msg_controllen > 0);
  remove_segment_size(message);
  CHECK(message.msg_controllen == 0);
}

}  // namespace netlab::calc::segmentation_test
