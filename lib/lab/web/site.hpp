// SPDX-License-Identifier: MIT
// The URLs of the page: which request gets which response.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "lab/web/class_monitor.hpp"
#include "lab/web/held_bodies.hpp"
#include "lab/web/viewer.hpp"

namespace netlab::lab {

/// Reads the files of messages.
class mail_files {
 public:
  virtual ~mail_files() = default;
  /// The content of a message's file, also if a mail reader has moved it to cur/. Fails with errc::no_input, or as
  /// read_file() does.
  [[nodiscard]] virtual result<std::string> read(const std::string& file) = 0;
};

/// Enough for a few readers who fetch large messages at the same time.
inline constexpr std::size_t default_held_octets = 128 * 1024 * 1024;

class site {
 public:
  /// From now on the monitor keeps its feed. All must outlive the site. `most_held`: see held_bodies.
  site(class_monitor& monitor, const access_rules& rules, mail_files& files,
       std::size_t most_held = default_held_octets);

  struct visit {
    viewer who;
    wall_time now{};
  };

  /// The response to a request from this address; 503 while too many large ones are being sent. A stream's response has
  /// is_stream set; `stream` then gets its reader.
  [[nodiscard]] http::response answer(const http::request& asked, std::string_view address, wall_time now,
                                      event_feed::reader& stream);

  /// Header fields of all responses, also of errors: they restrict what a browser does with the content.
  [[nodiscard]] static std::vector<http::name_value> common_fields();

 private:
  [[nodiscard]] http::response page(const http::request& asked, const visit& by) const;
  [[nodiscard]] http::response file(const http::request& asked, std::string_view name) const;
  [[nodiscard]] http::response teams(const visit& by) const;
  [[nodiscard]] http::response events(const http::request& asked, const visit& by, std::string_view address) const;
  [[nodiscard]] http::response stream(const http::request& asked, const visit& by, event_feed::reader& reader) const;
  [[nodiscard]] http::response csv(const visit& by) const;
  [[nodiscard]] http::response name(const http::request& asked, const visit& by);
  [[nodiscard]] http::response mails(const http::request& asked, const visit& by) const;
  [[nodiscard]] http::response mail(const visit& by, std::string_view id) const;
  [[nodiscard]] http::response mail_content(const http::request& asked, const visit& by, std::string_view id,
                                            std::string_view view, std::string_view number) const;
  [[nodiscard]] http::response clear(const http::request& asked, const visit& by);
  [[nodiscard]] http::response route(const http::request& asked, const visit& by, event_feed::reader& reader);

  [[nodiscard]] std::vector<const class_row*> rows_for(const viewer& who) const;
  [[nodiscard]] bool may_see(const viewer& who, const kept_mail& which) const;
  [[nodiscard]] const kept_mail* find_mail(const viewer& who, std::string_view id) const;

  class_monitor& monitor_;
  const access_rules& rules_;
  mail_files& files_;
  held_bodies bodies_;
};

}  // namespace netlab::lab
