// SPDX-License-Identifier: MIT
#include "scan/services.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::scan::services_test {

TEST_CASE("services: a line names a port of a protocol", "[scan][unit]") {
  const auto names = service_names::parse("smtp\t\t25/tcp\t\tmail\t# comment\ndomain 53/udp\n");
  CHECK(names.find(transport::tcp, 25) == "smtp");
  CHECK(names.find(transport::udp, 25).empty());
  CHECK(names.find(transport::udp, 53) == "domain");
  CHECK(names.find(transport::tcp, 26).empty());
}

TEST_CASE("services: of two names for a port the first counts", "[scan][unit]") {
  CHECK(service_names::parse("http 80/tcp www\nworld-wide-web 80/tcp\n").find(transport::tcp, 80) == "http");
}

TEST_CASE("services: lines that are none are skipped", "[scan][unit]") {
  const auto names = service_names::parse(
      "# 1/tcp\n\nlonely\nno-slash 80\nbig 65536/tcp\nnegative -1/tcp\nsctp 9/sctp\nempty /tcp\nlast 7/tcp");
  CHECK(names.ports(transport::tcp) == std::vector<std::uint16_t>{7});
  CHECK(names.ports(transport::udp).empty());
}

TEST_CASE("services: ports are listed in ascending order, each once", "[scan][unit]") {
  const auto names = service_names::parse("c 30/tcp\nb 20/tcp\na 10/tcp\nb2 20/tcp\nd 5/udp\n");
  CHECK(names.ports(transport::tcp) == std::vector<std::uint16_t>{10, 20, 30});
}

TEST_CASE("services: without the file the lab's services are known", "[scan][unit]") {
  const auto names = service_names::read("/nonexistent/services");
  CHECK(names.find(transport::tcp, 7) == "echo");
  CHECK(names.find(transport::udp, 7) == "echo");
  CHECK(names.find(transport::tcp, 587) == "submission");
  CHECK(names.find(transport::tcp, 50000).empty());
}

}  // namespace netlab::scan::services_test
