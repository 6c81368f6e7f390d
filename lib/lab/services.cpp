// SPDX-License-Identifier: MIT
#include "lab/services.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "calc/io/serve.hpp"
#include "simple/io/serve.hpp"

namespace netlab::lab {
namespace {

constexpr std::uint16_t first_free_port = 1024;  // ports below this get the offset

constexpr std::array all_services{
    service_entry{.name = "echo", .port = 7, .kind = role::simple, .simple = &simple::echo},
    service_entry{.name = "discard", .port = 9, .kind = role::simple, .simple = &simple::discard},
    service_entry{.name = "daytime", .port = 13, .kind = role::simple, .simple = &simple::daytime},
    service_entry{.name = "chargen", .port = 19, .kind = role::simple, .udp = false, .simple = &simple::chargen},
    service_entry{.name = "smtp", .port = 25, .kind = role::mail, .udp = false},
    service_entry{.name = "time", .port = 37, .kind = role::simple, .simple = &simple::time},
    service_entry{.name = "submissions", .port = 465, .kind = role::mail_over_tls, .udp = false},
    service_entry{.name = "submission", .port = 587, .kind = role::mail, .udp = false},
    service_entry{.name = "calc", .port = 50000, .kind = role::calc},
};

constexpr std::string_view all_of_mail = "mail";  // stands for all mail services

bool is_meant(const service_entry& which, std::string_view name) {
  return which.name == name || (name == all_of_mail && is_mail(which));
}

}  // namespace

std::span<const service_entry> services() noexcept { return all_services; }

bool is_mail(const service_entry& which) noexcept {
  return which.kind == role::mail || which.kind == role::mail_over_tls;
}

result<std::vector<service_entry>> parse_services(std::string_view list) {
  std::vector<service_entry> found;
  for (const std::string_view word : split(list, ',')) {
    const std::string name = to_lower(trim(word));
    const std::size_t before = found.size();
    for (const service_entry& each : all_services)
      if (is_meant(each, name)) found.push_back(each);
    if (found.size() > before) continue;
    std::vector<std::string_view> names;
    for (const service_entry& each : all_services) names.push_back(each.name);
    names.push_back(all_of_mail);
    const std::string_view near = nearest(name, names);
    return fail(errc::usage, fmt::format("unknown service '{}'", escape(name, 60)),
                near.empty() ? fmt::format("{}", fmt::join(names, ", ")) : fmt::format("did you mean {}?", near));
  }
  return found;
}

result<std::vector<service_entry>> choose(std::span<const service_entry> only, std::span<const service_entry> without) {
  const auto is_in = [](std::span<const service_entry> list, const service_entry& one) {
    return std::any_of(list.begin(), list.end(), [&](const service_entry& each) { return each.name == one.name; });
  };
  std::vector<service_entry> chosen;
  for (const service_entry& each : all_services)
    if ((only.empty() || is_in(only, each)) && !is_in(without, each)) chosen.push_back(each);
  if (chosen.empty()) return fail(errc::usage, "no service left to run", "check --only and --without");
  return chosen;
}

std::uint16_t port_of(const service_entry& which, const port_plan& plan) noexcept {
  if (which.kind == role::calc) return plan.calc_port;
  return which.port < first_free_port ? static_cast<std::uint16_t>(which.port + plan.offset) : which.port;
}

std::unique_ptr<serve::servable> host(const service_entry& which, const host_parameters& parameters,
                                      serve::visitor_log::line_function write) {
  if (which.simple != nullptr)
    return std::make_unique<simple::server>(*which.simple,
                                            simple::server_parameters{.idle_timeout = parameters.idle_timeout,
                                                                      .max_clients = parameters.max_clients,
                                                                      .detail = parameters.detail,
                                                                      .log_name = which.name},
                                            std::move(write));
  if (which.kind != role::calc) return nullptr;
  return std::make_unique<calc::server>(
      calc::server_parameters{.session = {.order = parameters.order, .idle_timeout = parameters.idle_timeout},
                              .max_clients = parameters.max_clients,
                              .detail = parameters.detail,
                              .log_name = which.name,
                              .watch = parameters.calc_watch},
      std::move(write));
}

}  // namespace netlab::lab
