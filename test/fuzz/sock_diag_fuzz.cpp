// SPDX-License-Identifier: MIT
// Any answer of the kernel is parsed within its bounds, and the result can be shown.
#include "fuzz.hpp"
#include "sockets/sock_diag.hpp"
#include "sockets/table.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<sockets::entry> out;
  const auto read = sockets::read_answer(as_bytes(fuzz::text_of(data, size)), sockets::transport::tcp, 7, out);
  fuzz::require(out.size() <= size / 72, "no socket without its octets");
  static_cast<void>(read);
  std::vector<sockets::marked_row> rows;
  for (sockets::entry& each : out) rows.push_back({{.socket = std::move(each), .interface = {}, .owners = {}}});
  for (const std::string& line : sockets::make_table(rows, {.width = 80, .details = true}))
    fuzz::require(fuzz::is_harmless(line), "a line does nothing to a terminal");
  return 0;
}
