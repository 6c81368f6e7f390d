// SPDX-License-Identifier: MIT
#include "lab/web/site.hpp"

#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/time.hpp"
#include "lab/web/mail_view.hpp"
#include "lab/web/page_files.hpp"
#include "lab/web/page_model.hpp"
#include "lab/web/render.hpp"

namespace netlab::lab {
namespace {

using json = nlohmann::ordered_json;

// Only our own scripts and styles, none of them inline; nothing from other hosts; no embedding in other pages.
constexpr std::string_view page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-src "
    "'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
constexpr std::string_view data_policy = "default-src 'none'; frame-ancestors 'none'";
// For HTML of a message: no scripts (sandbox), nothing from other hosts.
constexpr std::string_view mail_policy =
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'";

constexpr std::uint64_t most_listed = 200;  // events or mails in one response
constexpr std::uint64_t default_listed = 50;
// Each connection has its own copy of a smaller body; larger ones are shared and counted.
constexpr std::size_t largest_own_body = 64 * 1024;

http::response respond(unsigned status, std::string_view type, std::string body) {
  return {.status = status,
          .type = std::string(type),
          .fields = {{"Cache-Control", "no-store"}, {"Content-Security-Policy", std::string(data_policy)}},
          .body = std::move(body)};
}

http::response as_json(const json& object, unsigned status = 200) {
  return respond(status, "application/json", to_json_line(object) + "\n");
}

http::response error(unsigned status, std::string_view why) { return as_json({{"error", why}}, status); }

http::response not_found() { return error(404, "not found"); }

http::response not_allowed(std::string_view methods) {
  http::response made = error(405, "this address knows other methods");
  made.fields.emplace_back("Allow", methods);
  return made;
}

http::response download(std::string_view type, std::string_view name, std::string body) {
  http::response made = respond(200, type, std::move(body));
  made.fields.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"{}\"", name));
  return made;
}

/// RFC 6266: an ASCII name for old programs, and the full one.
std::string disposition_of(std::string_view file_name, std::string_view otherwise) {
  std::string plain;
  std::string_view name = file_name.substr(file_name.find_last_of("/\\") + 1);  // npos + 1 is 0
  for (const char c : name)
    plain += is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ? c : '_';
  while (plain.starts_with('.')) plain.erase(0, 1);
  if (plain.empty()) return fmt::format("attachment; filename=\"{}\"", otherwise);
  return fmt::format("attachment; filename=\"{}\"; filename*=UTF-8''{}", plain,
                     http::percent_encode(name.substr(0, 200)));
}

std::uint64_t limit_of(const http::request& asked) {
  const auto text = asked.parameter("limit");
  const auto number = text ? parse_integer<std::uint64_t>(*text) : std::nullopt;
  return std::min(number.value_or(default_listed), most_listed);
}

bool is_read(const http::request& asked) noexcept {
  return asked.method == http::method::get || asked.method == http::method::head;
}

}  // namespace

std::vector<http::name_value> site::common_fields() {
  return {{"X-Content-Type-Options", "nosniff"},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Resource-Policy", "same-origin"},
          {"Cross-Origin-Opener-Policy", "same-origin"},
          {"X-DNS-Prefetch-Control", "off"}};
}

site::site(class_monitor& monitor, const access_rules& rules, mail_files& files, std::size_t most_held)
    : monitor_(monitor), rules_(rules), files_(files), bodies_(most_held) {
  monitor_.keep_feed();
}

std::vector<const class_row*> site::rows_for(const viewer& who) const {
  if (who.is_teacher) return monitor_.journal().rows();
  const class_row* own = monitor_.journal().row_of(monitor_.journal().team_of(who.address));
  return own == nullptr ? std::vector<const class_row*>() : std::vector<const class_row*>{own};
}

bool site::may_see(const viewer& who, const kept_mail& which) const {
  const class_journal& journal = monitor_.journal();
  return who.is_teacher || journal.team_of(which.address, which.user) == journal.team_of(who.address);
}

const kept_mail* site::find_mail(const viewer& who, std::string_view id) const {
  const kept_mail* found = monitor_.journal().mail(id);
  return found != nullptr && may_see(who, *found) ? found : nullptr;
}

http::response site::answer(const http::request& asked, std::string_view address, wall_time now,
                            event_feed::reader& stream) {
  // Only HTTP/1.0 requests can lack Host, and browsers do not send those.
  if (!asked.host.empty() && !rules_.is_our_host(asked.host))
    return error(421, "this host does not have that name; use its address");
  const auto who = rules_.identify(asked, address);
  if (!who) return error(403, "wrong token");
  http::response made = route(asked, {*who, now}, stream);
  if (made.body.size() <= largest_own_body) return made;
  made.shared_body = bodies_.hold(std::move(made.body), who->is_teacher);
  made.body.clear();
  if (made.shared_body) return made;
  http::response busy = error(503, "too many large answers are being sent; try again later");
  busy.fields.emplace_back("Retry-After", "10");
  return busy;
}

http::response site::route(const http::request& asked, const visit& by, event_feed::reader& reader) {
  const std::vector<std::string>& parts = asked.segments;
  const auto is = [&](std::initializer_list<std::string_view> path) { return std::ranges::equal(parts, path); };
  if (is({"api", "name"})) return asked.method == http::method::post ? name(asked, by) : not_allowed("POST");
  if (is({"api", "mail", "clear"})) return asked.method == http::method::post ? clear(asked, by) : not_allowed("POST");
  const bool is_mails = is({"api", "mail"});
  if (is_mails && asked.method == http::method::delete_) return clear(asked, by);
  if (!is_read(asked)) return not_allowed(is_mails ? "GET, HEAD, DELETE" : "GET, HEAD");
  if (is({""})) return page(asked, by);
  if (is({"page.css"}) || is({"page.js"})) return file(asked, parts[0]);
  if (is({"api", "teams"})) return teams(by);
  if (parts.size() == 4 && parts[0] == "api" && parts[1] == "teams" && parts[3] == "events")
    return events(asked, by, parts[2]);
  if (is({"events"})) return stream(asked, by, reader);
  if (is({"teams.csv"})) return csv(by);
  if (is({"teams.json"})) {
    http::response made = teams(by);
    made.fields.emplace_back("Content-Disposition", "attachment; filename=\"teams.json\"");
    return made;
  }
  if (is_mails) return mails(asked, by);
  if (parts.size() == 3 && parts[0] == "api" && parts[1] == "mail") return mail(by, parts[2]);
  if (parts.size() == 3 && parts[0] == "mail") return mail_content(asked, by, parts[1], parts[2], {});
  if (parts.size() == 4 && parts[0] == "mail") return mail_content(asked, by, parts[1], parts[2], parts[3]);
  return not_found();
}

http::response site::page(const http::request& asked, const visit& by) const {
  page_model model{.rows = rows_for(by.who), .viewer_address = by.who.address, .is_teacher = by.who.is_teacher};
  model.token = by.who.is_teacher ? rules_.token() : std::string();
  model.form_token = rules_.form_token(by.who);
  model.now = by.now;
  model.totals = monitor_.journal().totals(by.now);
  const auto& all = monitor_.journal().mails();
  for (auto each = all.rbegin(); each != all.rend(); ++each)
    if (may_see(by.who, *each)) model.mails.push_back(&*each);
  if (by.who.is_teacher) model.open_row = asked.parameter("team").value_or("");
  const auto found = std::ranges::find(page_files(), "page.html", &page_file::name);
  http::response made = respond(200, "text/html; charset=utf-8", render_page(model, found->body));
  made.fields = {{"Cache-Control", "no-store"}, {"Content-Security-Policy", std::string(page_policy)}};
  return made;
}

http::response site::file(const http::request& asked, std::string_view name) const {
  const auto found = std::ranges::find(page_files(), name, &page_file::name);
  if (found == page_files().end()) return not_found();
  http::response made = respond(200, found->type, std::string(found->body));
  made.fields = {{"Cache-Control", "no-cache"}, {"ETag", std::string(found->etag)}};
  if (asked.field("if-none-match") == found->etag) {
    made.status = 304;
    made.body.clear();
  }
  return made;
}

http::response site::teams(const visit& by) const {
  json steps = json::array();
  for (const sheet_step each : all_steps()) steps.push_back({{"name", name_of(each)}, {"title", title_of(each)}});
  json rows = json::array();
  for (const class_row* each : rows_for(by.who)) rows.push_back(to_json(*each));
  json all{{"now", to_timestamp(by.now)},
           {"viewer",
            {{"teacher", by.who.is_teacher}, {"address", by.who.address}, {"form_token", rules_.form_token(by.who)}}},
           {"steps", std::move(steps)},
           {"teams", std::move(rows)}};
  if (by.who.is_teacher) {
    const class_totals totals = monitor_.journal().totals(by.now);
    all["totals"] = to_json(totals);
    all["rate"] = totals.rate;
  }
  return as_json(all);
}

http::response site::events(const http::request& asked, const visit& by, std::string_view address) const {
  const class_row* row = monitor_.journal().row_of(address);
  if (row == nullptr) return not_found();
  // To a student, another team's row looks like one that does not exist.
  if (!by.who.is_teacher && row->address != monitor_.journal().team_of(by.who.address)) return not_found();
  const auto before_text = asked.parameter("before");
  const std::uint64_t before =
      (before_text ? parse_integer<std::uint64_t>(*before_text) : std::nullopt).value_or(UINT64_MAX);
  const std::uint64_t limit = limit_of(asked);
  json all = json::array();
  for (auto each = row->recent.rbegin(); each != row->recent.rend() && all.size() < limit; ++each)
    if (each->id < before) all.push_back(to_json(*each));
  return as_json({{"address", row->address}, {"events", std::move(all)}});
}

http::response site::stream(const http::request& asked, const visit& by, event_feed::reader& reader) const {
  http::response made = respond(200, "text/event-stream", {});
  made.is_stream = true;
  auto after = asked.field("last-event-id");
  if (!after) after = asked.parameter("last_event_id");
  const auto position = after ? parse_integer<std::uint64_t>(*after) : std::nullopt;
  reader = {.position = position.value_or(after ? 0 : monitor_.feed().last_id()), .is_teacher = by.who.is_teacher};
  reader.team = monitor_.journal().team_of(by.who.address);
  return made;
}

http::response site::csv(const visit& by) const {
  return download("text/csv; charset=utf-8", "teams.csv", to_csv(rows_for(by.who)));
}

http::response site::name(const http::request& asked, const visit& by) {
  if (!rules_.is_own_form(asked, by.who)) return error(403, "this form is not from this page");
  const auto wanted = asked.form_value("name");
  if (!wanted) return error(400, "the form has no name");
  std::string address = by.who.address;
  if (const auto other = asked.form_value("address"); other && by.who.is_teacher) address = *other;
  if (by.who.is_teacher && monitor_.journal().row_of(address) == nullptr) return error(404, "no such team");
  if (!monitor_.name({.at = by.now, .address = address, .name = *wanted}))
    return error(400, "the team already has a name from the roster, or this one has no visible character");
  if (asked.field("accept").value_or("").find("application/json") != std::string_view::npos) return {.status = 204};
  http::response made = respond(303, "text/plain; charset=utf-8", "named\n");
  made.fields.emplace_back("Location", by.who.is_teacher ? "/?token=" + rules_.token() : "/");
  return made;
}

http::response site::mails(const http::request& asked, const visit& by) const {
  const std::string_view wanted = asked.parameter("search").value_or("");
  const std::uint64_t limit = limit_of(asked);
  const auto& all = monitor_.journal().mails();
  json list = json::array();
  for (auto each = all.rbegin(); each != all.rend() && list.size() < limit; ++each)
    if (may_see(by.who, *each) && matches(*each, wanted)) list.push_back(to_json(*each));
  return as_json({{"mails", std::move(list)}});
}

http::response site::mail(const visit& by, std::string_view id) const {
  const kept_mail* found = find_mail(by.who, id);
  if (found == nullptr) return not_found();
  json object = to_json(*found);
  object["dialogue"] = dialogue_of(*found);
  if (found->file.empty()) {
    object["error"] = "the message was not stored";
  } else if (const auto content = files_.read(found->file); !content) {
    object["error"] = describe(content.error());
  } else {
    object.update(describe_message(*content));
  }
  return as_json(object);
}

http::response site::mail_content(const http::request& asked, const visit& by, std::string_view id,
                                  std::string_view view, std::string_view number) const {
  const kept_mail* found = find_mail(by.who, id);
  if (found == nullptr || found->file.empty()) return not_found();
  auto content = files_.read(found->file);
  if (!content) return error(404, describe(content.error()));
  if (view == "source" && number.empty()) {
    const bool is_shown = asked.parameter("view").has_value();
    http::response made = respond(200, is_shown ? "text/plain; charset=utf-8" : "message/rfc822", std::move(*content));
    if (!is_shown)
      made.fields.emplace_back("Content-Disposition", disposition_of(std::string(id) + ".eml", "message.eml"));
    return made;
  }
  auto part = find_part(*content, number);
  if (!part) return not_found();
  if (view == "html" && part->is_html) {
    http::response made = respond(200, "text/html; charset=utf-8", defused(*part));
    made.fields = {{"Cache-Control", "no-store"}, {"Content-Security-Policy", std::string(mail_policy)}};
    return made;
  }
  if (view != "part") return not_found();
  http::response made = respond(200, part->is_image ? part->type : "application/octet-stream", std::move(part->octets));
  made.fields.emplace_back("Content-Disposition", disposition_of(part->file_name, fmt::format("part-{}", number)));
  return made;
}

http::response site::clear(const http::request& asked, const visit& by) {
  if (!by.who.is_teacher) return error(403, "only the teacher may clear the mails");
  if (!rules_.is_own_form(asked, by.who)) return error(403, "this form is not from this page");
  monitor_.clear_mails(by.now);
  if (asked.method == http::method::delete_) return {.status = 204};
  http::response made = respond(303, "text/plain; charset=utf-8", "cleared\n");
  made.fields.emplace_back("Location", "/?token=" + rules_.token());
  return made;
}

}  // namespace netlab::lab
