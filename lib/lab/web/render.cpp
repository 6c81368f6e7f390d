// SPDX-License-Identifier: MIT
#include "lab/web/render.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/time.hpp"
#include "http/request.hpp"
#include "lab/journal/json.hpp"

namespace netlab::lab {
namespace {

constexpr std::size_t most_shown_events = 50;  // as page.js keeps
constexpr std::size_t most_shown_mails = 200;

std::string_view sign_of(step_state state) noexcept {
  switch (state) {
    case step_state::done: return "✓";
    case step_state::tried: return "✗";
    case step_state::none: break;
  }
  return "·";
}

std::string_view word_of(step_state state) noexcept { return state == step_state::none ? "not yet" : name_of(state); }

/// `10:15:32`
std::string clock_text(wall_time at) { return to_timestamp(at).substr(11, 8); }

std::string time_element(wall_time at) {
  return fmt::format(R"(<time datetime="{}">{}</time>)", to_timestamp(at), clock_text(at));
}

std::string span_text(std::chrono::milliseconds span) {
  const auto seconds = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(span).count());
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

/// A text of a peer: its direction does not change that of its neighbours.
std::string isolated(std::string_view text) { return fmt::format("<bdi>{}</bdi>", escape_html(text)); }

/// A path of this server, with the teacher's token.
std::string link_to(const page_model& model, std::string_view path, std::string_view parameters = {}) {
  std::string query(parameters);
  if (!model.token.empty()) query += fmt::format("{}token={}", query.empty() ? "" : "&", model.token);
  return escape_html(query.empty() ? std::string(path) : fmt::format("{}?{}", path, query));
}

/// Proves that a form comes from this page.
std::string form_field(const page_model& model) {
  return fmt::format("<input type=\"hidden\" name=\"form\" value=\"{}\">", escape_html(model.form_token));
}

std::string cell_content(const step_cell& cell) {
  std::string html =
      fmt::format(R"(<span class="sign" aria-hidden="true">{}</span><span class="for-readers">{} </span>)",
                  sign_of(cell.state), word_of(cell.state));
  if (cell.state != step_state::none) html += ' ' + time_element(cell.at);
  if (!cell.note.empty()) html += fmt::format(R"(<span class="note">{}</span>)", isolated(cell.note));
  return html;
}

std::string cell_element(sheet_step which, const step_cell& cell) {
  return fmt::format(R"(<td data-step="{}" data-state="{}">{}</td>)", name_of(which), name_of(cell.state),
                     cell_content(cell));
}

/// The octets in hex, and the fields in the same colours.
std::string octets_block(const class_event& event) {
  if (event.octets.empty()) return {};
  std::string fields;
  std::string hex;
  std::size_t done = 0;
  const bytes_view octets(event.octets);
  const auto add = [&](std::size_t to, std::size_t kind, std::string_view title) {
    to = std::min(to, octets.size());
    if (to <= done) return;
    hex += fmt::format(R"(<span class="field-{}"{}>{}</span> )", kind,
                       title.empty() ? "" : fmt::format(R"( title="{}")", escape_html(title)),
                       to_hex(octets.subspan(done, to - done), " "));
    done = to;
  };
  std::size_t index = 0;
  for (const event_field& each : event.fields) {
    const std::size_t kind = index++ % 6 + 1;
    add(each.from, 0, {});
    add(each.to, kind, each.name);
    fields +=
        fmt::format(R"(<dt class="field-{}">{}</dt><dd>{}</dd>)", kind, escape_html(each.name), isolated(each.value));
  }
  add(octets.size(), 0, {});
  return fmt::format(
      R"(<div class="octets"><dl class="fields">{}</dl><p class="hex" role="group" aria-label="octets in hex">{}{}</p></div>)",
      fields, hex, event.is_truncated ? "…" : "");
}

std::string event_item(const class_event& event) {
  std::string remark;
  if (!event.note.empty())
    remark = fmt::format(R"(<span class="verdict-{}">{}</span>)", name_of(event.verdict), isolated(event.note));
  else if (event.verdict != verdict::info)
    remark = fmt::format(R"(<span class="verdict-{}">{}</span>)", name_of(event.verdict),
                         event.verdict == verdict::ok ? "right" : "wrong");
  return fmt::format(
      R"(<li><p class="event-line">{} <span class="where">{} {}</span> <span class="what">{}</span> {}</p>{}</li>)"
      "\n",
      time_element(event.at), escape_html(event.service), escape_html(event.proto), isolated(event.text), remark,
      octets_block(event));
}

std::string events_list(const class_row& row) {
  std::string items;
  std::size_t count = 0;
  for (auto each = row.recent.rbegin(); each != row.recent.rend() && count < most_shown_events; ++each, ++count)
    items += event_item(*each);
  return fmt::format("<ol class=\"events\" reversed>\n{}</ol>\n", items);
}

std::string totals_list(const class_totals& totals) {
  std::string html = "<dl class=\"totals\">\n";
  const auto add = [&](std::string_view title, const std::string& value) {
    html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", title, value);
  };
  add("teams", fmt::to_string(totals.teams));
  add("requests", fmt::to_string(totals.requests));
  add("answers", fmt::to_string(totals.answers));
  add("connections", fmt::to_string(totals.connections));
  add("mails", fmt::to_string(totals.mails));
  add("events a second", fmt::format("{:.1f}", totals.rate));
  return html + "</dl>\n";
}

std::string team_row(const page_model& model, const class_row& row) {
  const bool is_open = row.address == model.open_row;
  const auto stuck_since = row.stuck_since();
  const auto done = std::ranges::count(row.cells, step_state::done, &step_cell::state);
  std::string html = fmt::format(
      R"(<tr><th scope="row"><a href="{}">{}</a>{}</th><td class="stuck">{}</td><td class="sum">{} of {}</td>)",
      link_to(model, "/", is_open ? std::string() : "team=" + http::percent_encode(row.address)),
      isolated(row.name.empty() ? row.address : row.name),
      row.name.empty() ? "" : fmt::format(R"(<span class="address">{}</span>)", escape_html(row.address)),
      stuck_since ? span_text(model.now - *stuck_since) : "", done, step_count);
  for (const sheet_step each : all_steps()) html += cell_element(each, row.cell(each));
  html += "</tr>\n";
  if (is_open)
    html += fmt::format("<tr class=\"detail\"><td colspan=\"{}\">{}</td></tr>\n", 3 + step_count, events_list(row));
  return html;
}

std::string class_table(const page_model& model) {
  std::string html = totals_list(model.totals);
  html += fmt::format(
      "<p class=\"tools\"><a href=\"{}\">Export as CSV</a> <a href=\"{}\">Export as JSON</a> <a href=\"{}\">Show "
      "now</a></p>\n",
      link_to(model, "/teams.csv"), link_to(model, "/teams.json"), link_to(model, "/"));
  if (model.rows.empty()) return html + "<p>Nobody has sent anything yet.</p>\n";
  html +=
      "<div class=\"scroll\" role=\"region\" aria-label=\"Table of the class\" tabindex=\"0\">\n<table "
      "class=\"classroom\">\n"
      "<caption class=\"for-readers\">The class: one row per team, one column per step. The link in a row's first "
      "cell opens the team's last events.</caption>\n<thead><tr><th scope=\"col\">Team</th><th scope=\"col\">Stuck "
      "for</th>"
      "<th scope=\"col\">Done</th>";
  for (const sheet_step each : all_steps()) html += fmt::format("<th scope=\"col\">{}</th>", title_of(each));
  html += "</tr></thead>\n<tbody>\n";
  for (const class_row* each : model.rows) html += team_row(model, *each);
  return html + "</tbody>\n</table>\n</div>\n";
}

std::string own_row(const page_model& model) {
  static const class_row nothing_yet{};
  const class_row& row = model.rows.empty() ? nothing_yet : *model.rows.front();
  std::string html = row.name.empty() ? fmt::format("<p>Your address is {}.</p>\n", escape_html(model.viewer_address))
                                      : fmt::format("<p><strong>{}</strong> {}</p>\n", isolated(row.name),
                                                    escape_html(model.viewer_address));
  html += fmt::format(
      "<form class=\"tools\" method=\"post\" action=\"/api/name\">{}<label>Name of the team <input name=\"name\" "
      "maxlength=\"60\" autocomplete=\"off\" value=\"{}\"></label><button type=\"submit\">Save</button></form>\n",
      form_field(model), escape_html(row.name));
  if (const auto since = row.stuck_since())
    html += fmt::format("<p class=\"stuck\">Without success for {}.</p>\n", span_text(model.now - *since));
  html +=
      "<table class=\"steps\">\n<caption class=\"for-readers\">The steps of the sheet, and what the server has seen of "
      "yours</caption>\n<thead><tr><th scope=\"col\">Step</th><th scope=\"col\">State</th></tr></thead>\n<tbody>\n";
  for (const sheet_step each : all_steps())
    html += fmt::format("<tr><th scope=\"row\">{}</th>{}</tr>\n", title_of(each), cell_element(each, row.cell(each)));
  html += "</tbody>\n</table>\n<h3>What the server received</h3>\n";
  return html + (row.recent.empty() ? "<p>Nothing yet.</p>\n" : events_list(row));
}

std::string mail_table(const page_model& model) {
  std::string html;
  if (model.is_teacher && !model.mails.empty())
    html += fmt::format(
        "<form class=\"tools\" method=\"post\" action=\"{}\">{}<button type=\"submit\">Clear all "
        "mail</button></form>\n",
        link_to(model, "/api/mail/clear"), form_field(model));
  if (model.mails.empty()) return html + "<p>No messages.</p>\n";
  html +=
      "<div class=\"scroll\" role=\"region\" aria-label=\"Messages\" tabindex=\"0\">\n<table "
      "class=\"inbox\">\n<caption "
      "class=\"for-readers\">Messages, newest first</caption>\n<thead><tr>";
  for (const std::string_view title :
       {"Subject", "Received", "Envelope from", "Header from", "Envelope to", "Peer", "Size"})
    html += fmt::format("<th scope=\"col\">{}</th>", title);
  html += "</tr></thead>\n<tbody>\n";
  for (const kept_mail* each : std::span(model.mails).first(std::min(model.mails.size(), most_shown_mails))) {
    std::string recipients;
    for (const std::string& to : each->recipients) recipients += (recipients.empty() ? "" : ", ") + to;
    html += fmt::format(
        "<tr><th scope=\"row\"><a "
        "href=\"{}\">{}</a></th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        link_to(model, fmt::format("/mail/{}/source", http::percent_encode(each->id)), "view=1"),
        isolated(each->subject.empty() ? "(no subject)" : each->subject), time_element(each->at),
        isolated(each->sender.empty() ? "<>" : each->sender), isolated(each->header_from), isolated(recipients),
        escape_html(each->address), each->size);
  }
  return html + "</tbody>\n</table>\n</div>\n";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c; break;
    }
  }
  return escaped;
}

std::string render_page(const page_model& model, std::string_view page_template) {
  const std::string mail_count = model.mails.empty() ? std::string() : fmt::format("({})", model.mails.size());
  const std::array<std::pair<std::string_view, std::string>, 10> values{{
      {"title", model.is_teacher ? "The class at work" : "Your exercises"},
      {"viewer", model.is_teacher ? "teacher" : "student"},
      {"address", escape_html(model.viewer_address)},
      {"heading", model.is_teacher ? "The class at work" : "Your exercises"},
      {"mail_count", mail_count},
      {"now", clock_text(model.now)},
      {"class_title", model.is_teacher ? "Teams" : "Steps"},
      {"class", model.is_teacher ? class_table(model) : own_row(model)},
      {"mail", mail_table(model)},
      {"footer", model.is_teacher ? "Keep the address of this page secret: it gives the rights of the teacher."
                                  : "Only what came from your own address is shown here."},
  }};
  // One pass over the template: what a value contains is never replaced again.
  std::string page;
  while (!page_template.empty()) {
    const std::size_t at = page_template.find("{{");
    page += page_template.substr(0, at);
    if (at == std::string_view::npos) break;
    page_template.remove_prefix(at + 2);
    const std::size_t end = page_template.find("}}");
    if (end == std::string_view::npos) break;
    const std::string_view name = page_template.substr(0, end);
    const auto found = std::ranges::find(values, name, &std::pair<std::string_view, std::string>::first);
    if (found != values.end()) page += found->second;
    page_template.remove_prefix(end + 2);
  }
  return page;
}

}  // namespace netlab::lab
