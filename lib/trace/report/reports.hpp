// SPDX-License-Identifier: MIT
// The report formats of a trace. Each report writes whole lines or blocks to a sink.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "trace/timeline.hpp"

namespace netlab::trace {

using report_sink = std::function<void(std::string_view)>;

struct text_options {
  bool details = false;  ///< include calls that neither wait nor cause packets, such as setsockopt
};

/// Two columns: the programs' calls, and the packets.
[[nodiscard]] std::unique_ptr<report> make_text_report(text_options options, report_sink sink);

/// A ladder diagram as one self-contained HTML file with the heading `title`. Written at the end.
[[nodiscard]] std::unique_ptr<report> make_ladder_report(std::string title, report_sink sink);

/// JSON Lines: processes, calls, packets, and a summary at the end.
[[nodiscard]] std::unique_ptr<report> make_json_report(report_sink sink);

}  // namespace netlab::trace
