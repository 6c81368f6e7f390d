// SPDX-License-Identifier: MIT
// The lab's services: names, ports and selection, and the servers of all except mail.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "calc/io/traffic_watch.hpp"
#include "serve/service.hpp"
#include "serve/visitor_log.hpp"
#include "simple/services.hpp"

namespace netlab::lab {

/// Which server provides a service.
enum class role : std::uint8_t {
  calc,
  mail,  ///< with STARTTLS
  mail_over_tls,
  simple,
};

struct service_entry {
  std::string_view name;  ///< IANA's name
  std::uint16_t port;     ///< IANA's port
  role kind;
  bool udp = true;  ///< UDP in addition to TCP
  const simple::service* simple = nullptr;  ///< set for role::simple
};

/// All services, by port.
[[nodiscard]] std::span<const service_entry> services() noexcept;
[[nodiscard]] bool is_mail(const service_entry& which) noexcept;

/// `echo`, `echo,time`; `mail` means all mail services. Fails with errc::usage and suggests the nearest name.
[[nodiscard]] result<std::vector<service_entry>> parse_services(std::string_view list);

/// The services in `only` (all, if empty) that are not in `without`, by port. Fails with errc::usage if none is left.
[[nodiscard]] result<std::vector<service_entry>> choose(std::span<const service_entry> only,
                                                        std::span<const service_entry> without);

struct port_plan {
  std::uint16_t offset = 0;        ///< added to ports below 1024
  std::uint16_t calc_port = 50000;
};
/// The largest offset that keeps ports within 65535.
inline constexpr std::uint16_t largest_offset = 65535 - 1023;
[[nodiscard]] std::uint16_t port_of(const service_entry& which, const port_plan& plan) noexcept;

struct host_parameters {
  duration idle_timeout = std::chrono::minutes(5);
  std::size_t max_clients = 10'000;  ///< of each service
  serve::log_detail detail = serve::log_detail::visits;
  byte_order order = byte_order::big;  ///< calc's
  calc::traffic_watch* calc_watch = nullptr;  ///< calc's; must outlive it
};

/// The server of a service, whose log lines start with its name. Null for mail: a mail sink serves it.
[[nodiscard]] std::unique_ptr<serve::servable> host(const service_entry& which, const host_parameters& parameters,
                                                    serve::visitor_log::line_function write);

}  // namespace netlab::lab
