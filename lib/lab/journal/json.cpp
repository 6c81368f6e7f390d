// SPDX-License-Identifier: MIT
#include "lab/journal/json.hpp"

#include <span>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/time.hpp"

namespace netlab::lab {
namespace {

using json = nlohmann::ordered_json;

bytes from_hex(std::string_view text) {
  bytes octets;
  for (; text.size() >= 2; text.remove_prefix(2)) {
    const auto octet = decode_hex_pair(text);
    if (!octet) break;
    octets.push_back(static_cast<std::byte>(*octet));
  }
  return octets;
}

json time_or_null(wall_time at) { return at == wall_time{} ? json() : json(to_timestamp(at)); }

// The text of a member; empty if it is missing or of another type.
std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

bool flag_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

const json& list_in(const json& object, const char* name) {
  static const json none = json::array();
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : none;
}

json marks_of(const class_event& of) {
  json all = json::array();
  for (const step_mark& each : of.marks)
    all.push_back({{"step", name_of(each.which)}, {"state", name_of(each.state)}, {"note", each.note}});
  return all;
}

verdict parse_verdict(std::string_view name) {
  for (const verdict each : {verdict::ok, verdict::wrong})
    if (name_of(each) == name) return each;
  return verdict::info;
}

result<class_event> parse_event(const json& from, wall_time at) {
  class_event made{.id = number_in(from, "id"), .at = at, .address = text_in(from, "address")};
  if (made.id == 0 || made.address.empty()) return fail(errc::bad_data, "an event without id or address");
  made.port = static_cast<std::uint16_t>(number_in(from, "port"));
  made.user = text_in(from, "user");
  made.service = text_in(from, "service");
  made.proto = text_in(from, "proto");
  made.text = text_in(from, "text");
  made.verdict = parse_verdict(text_in(from, "verdict"));
  made.note = text_in(from, "note");
  made.octets = from_hex(text_in(from, "octets"));
  if (made.octets.size() > most_kept_octets) made.octets.resize(most_kept_octets);
  made.is_truncated = flag_in(from, "truncated");
  for (const json& each : list_in(from, "fields")) {
    if (!each.is_object()) continue;
    event_field field{.name = text_in(each, "name"), .from = number_in(each, "from"), .to = number_in(each, "to")};
    field.value = text_in(each, "value");
    if (field.from < field.to && field.to <= made.octets.size()) made.fields.push_back(std::move(field));
  }
  for (const json& each : list_in(from, "marks")) {
    if (!each.is_object()) continue;
    const auto which = parse_step(text_in(each, "step"));
    const auto state = parse_step_state(text_in(each, "state"));
    if (which && state) made.marks.push_back({*which, *state, text_in(each, "note")});
  }
  return made;
}

result<kept_mail> parse_mail(const json& from, wall_time at) {
  kept_mail made{.id = text_in(from, "id"), .at = at, .address = text_in(from, "address")};
  if (made.id.empty() || made.address.empty()) return fail(errc::bad_data, "a mail without id or address");
  made.port = static_cast<std::uint16_t>(number_in(from, "port"));
  made.file = text_in(from, "file");
  made.helo = text_in(from, "helo");
  made.tls = text_in(from, "tls");
  made.user = text_in(from, "user");
  made.sender = text_in(from, "envelope_from");
  for (const json& each : list_in(from, "envelope_to"))
    if (each.is_string()) made.recipients.push_back(each.get<std::string>());
  made.header_from = text_in(from, "from");
  made.header_to = text_in(from, "to");
  made.subject = text_in(from, "subject");
  made.size = number_in(from, "size");
  made.is_by_hand = flag_in(from, "by_hand");
  for (const json& each : list_in(from, "dialogue"))
    if (each.is_object()) made.dialogue.push_back({text_in(each, "by") == "C" ? 'C' : 'S', text_in(each, "text")});
  return made;
}

// RFC 4180 §2; a spreadsheet would run a text that begins like a formula (CWE-1236).
std::string csv_cell(std::string_view text) {
  std::string cell;
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) cell += '\'';
  cell += text;
  if (cell.find_first_of("\",\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace

result<wall_time> parse_timestamp(std::string_view text) {
  const auto bad = [&] { return fail(errc::bad_data, fmt::format("'{}' is not a time", escape(text, 40))); };
  constexpr std::string_view form = "0000-00-00T00:00:00.000Z";
  if (text.size() != form.size()) return bad();
  for (std::size_t at = 0; at < form.size(); ++at)
    if (form[at] == '0' ? !is_digit(text[at]) : text[at] != form[at]) return bad();
  const auto part = [&](std::size_t from, std::size_t size) {
    return parse_integer<int>(text.substr(from, size)).value_or(0);
  };
  const std::chrono::year_month_day date(std::chrono::year(part(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(part(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(part(8, 2))));
  if (!date.ok() || part(11, 2) > 23 || part(14, 2) > 59 || part(17, 2) > 59) return bad();
  return wall_time(std::chrono::sys_days(date)) + std::chrono::hours(part(11, 2)) + std::chrono::minutes(part(14, 2)) +
         std::chrono::seconds(part(17, 2)) + std::chrono::milliseconds(part(20, 3));
}

std::string to_json_line(const json& object) { return object.dump(-1, ' ', false, json::error_handler_t::replace); }

json to_json(const class_row& of) {
  json steps = json::object();
  for (const sheet_step which : all_steps()) {
    const step_cell& each = of.cell(which);
    steps[std::string(name_of(which))] = {
        {"state", name_of(each.state)}, {"at", time_or_null(each.at)}, {"note", each.note}, {"tries", each.tries}};
  }
  const auto stuck = of.stuck_step();
  return {{"address", of.address},
          {"addresses", of.addresses},
          {"name", of.name},
          {"steps", std::move(steps)},
          {"first_at", time_or_null(of.first_at)},
          {"last_at", time_or_null(of.last_at)},
          {"stuck_since", stuck ? time_or_null(of.cell(*stuck).first_failed_at) : json()},
          {"stuck_step", stuck ? json(name_of(*stuck)) : json()},
          {"events", of.events}};
}

json to_json(const class_event& of) {
  json fields = json::array();
  for (const event_field& each : of.fields)
    fields.push_back({{"name", each.name}, {"from", each.from}, {"to", each.to}, {"value", each.value}});
  return {{"id", of.id},
          {"at", to_timestamp(of.at)},
          {"address", of.address},
          {"port", of.port},
          {"user", of.user},
          {"service", of.service},
          {"proto", of.proto},
          {"text", of.text},
          {"verdict", name_of(of.verdict)},
          {"note", of.note},
          {"octets", to_hex(of.octets)},
          {"fields", std::move(fields)},
          {"truncated", of.is_truncated},
          {"marks", marks_of(of)}};
}

json to_json(const class_totals& of) {
  return {{"requests", of.requests}, {"answers", of.answers}, {"refused", of.refused}, {"connections", of.connections},
          {"mails", of.mails},       {"teams", of.teams},     {"dropped", of.dropped}, {"rate", of.rate}};
}

json to_json(const kept_mail& of) {
  return {{"id", of.id},
          {"at", to_timestamp(of.at)},
          {"address", of.address},
          {"port", of.port},
          {"helo", of.helo},
          {"tls", of.tls},
          {"user", of.user},
          {"envelope_from", of.sender},
          {"envelope_to", of.recipients},
          {"from", of.header_from},
          {"to", of.header_to},
          {"subject", of.subject},
          {"size", of.size},
          {"by_hand", of.is_by_hand},
          {"stored", !of.file.empty()}};
}

json dialogue_of(const kept_mail& of) {
  json lines = json::array();
  for (const dialogue_line& each : of.dialogue) lines.push_back({{"by", std::string(1, each.by)}, {"text", each.text}});
  return lines;
}

std::string to_csv(const std::vector<const class_row*>& rows) {
  std::string text = "address,name";
  for (const sheet_step each : all_steps()) text += fmt::format(",{0},{0}_at,{0}_note", name_of(each));
  text += ",first_at,last_at,stuck_since,events\r\n";
  const auto time_cell = [](wall_time at) { return at == wall_time{} ? std::string() : to_timestamp(at); };
  for (const class_row* row : rows) {
    text += csv_cell(row->address) + ',' + csv_cell(row->name);
    for (const sheet_step which : all_steps()) {
      const step_cell& each = row->cell(which);
      text += fmt::format(",{},{},{}", name_of(each.state), time_cell(each.at), csv_cell(each.note));
    }
    text += fmt::format(",{},{},{},{}\r\n", time_cell(row->first_at), time_cell(row->last_at),
                        time_cell(row->stuck_since().value_or(wall_time{})), row->events);
  }
  return text;
}

std::string to_line(const class_event& of) {
  json object{{"record", "event"}};
  object.update(to_json(of));
  object["record"] = "event";
  return to_json_line(object);
}

std::string to_line(const kept_mail& of) {
  json object{{"record", "mail"}};
  object.update(to_json(of));
  object["file"] = of.file;
  object["dialogue"] = dialogue_of(of);
  return to_json_line(object);
}

std::string to_line(const naming& of) {
  return to_json_line({{"record", "name"}, {"at", to_timestamp(of.at)}, {"address", of.address}, {"name", of.name}});
}

std::string to_line(const mails_cleared& of) {
  return to_json_line({{"record", "mails_cleared"}, {"at", to_timestamp(of.at)}});
}

result<journal_record> parse_record(std::string_view line) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) return fail(errc::bad_data, "not a JSON object");
  const auto at = parse_timestamp(text_in(object, "at"));
  if (!at) return unexpected(at.error());
  const std::string kind = text_in(object, "record");
  const auto as_record = [](auto&& parsed) -> result<journal_record> {
    if (!parsed) return unexpected(parsed.error());
    return journal_record(std::move(*parsed));
  };
  if (kind == "event") return as_record(parse_event(object, *at));
  if (kind == "mail") return as_record(parse_mail(object, *at));
  if (kind == "name") return journal_record(naming{*at, text_in(object, "address"), text_in(object, "name")});
  if (kind == "mails_cleared") return journal_record(mails_cleared{*at});
  return fail(errc::bad_data, fmt::format("unknown record '{}'", escape(kind, 40)));
}

void apply(class_journal& to, journal_record record) {
  if (auto* event = std::get_if<class_event>(&record))
    to.add(std::move(*event));
  else if (auto* mail = std::get_if<kept_mail>(&record))
    to.add(std::move(*mail));
  else if (const auto* named = std::get_if<naming>(&record))
    to.name(*named);
  else
    to.clear_mails();
}

}  // namespace netlab::lab
