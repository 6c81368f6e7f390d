// SPDX-License-Identifier: MIT
#include "frame/exit_status.hpp"

#include <array>

namespace netlab::app {
namespace {

constexpr std::array meanings{
    status_meaning{exit_status::done, "success, also when the reader of stdout has closed it"},
    status_meaning{exit_status::partly_done, "partly done: some of many failed; each is named"},
    status_meaning{exit_status::usage, "usage: unknown command or option, a value out of range"},
    status_meaning{exit_status::bad_data, "bad data in the input"},
    status_meaning{exit_status::no_input, "an input file is missing or unreadable"},
    status_meaning{exit_status::no_host, "no such host"},
    status_meaning{exit_status::unavailable,
                   "unavailable: refused, unreachable, reset; a port in use; a permanent rejection"},
    status_meaning{exit_status::internal, "a bug in netlab"},
    status_meaning{exit_status::system, "the system refused memory, descriptors or threads"},
    status_meaning{exit_status::cannot_create, "an output file cannot be created"},
    status_meaning{exit_status::input_output, "local read or write error, or the outcome is unknown"},
    status_meaning{exit_status::try_later, "try again later: timeout, server full"},
    status_meaning{exit_status::protocol, "the peer broke the protocol"},
    status_meaning{exit_status::not_permitted, "not permitted: privilege, authentication, certificate"},
    status_meaning{exit_status::configuration, "an error in the configuration file or environment"},
    status_meaning{exit_status::interrupted, "ended by SIGINT"},
    status_meaning{exit_status::terminated, "ended by SIGTERM"},
};

}  // namespace

exit_status status_of(const std::error_code& code) noexcept {
  switch (classify(code)) {
    case error_class::partial: return exit_status::partly_done;
    case error_class::usage: return exit_status::usage;
    case error_class::bad_data: return exit_status::bad_data;
    case error_class::no_input: return exit_status::no_input;
    case error_class::no_host: return exit_status::no_host;
    case error_class::unavailable: return exit_status::unavailable;
    case error_class::internal: return exit_status::internal;
    case error_class::system_resources: return exit_status::system;
    case error_class::cannot_create: return exit_status::cannot_create;
    case error_class::input_output: return exit_status::input_output;
    case error_class::temporary: return exit_status::try_later;
    case error_class::protocol: return exit_status::protocol;
    case error_class::not_permitted: return exit_status::not_permitted;
    case error_class::configuration: return exit_status::configuration;
    case error_class::interrupted: return exit_status::interrupted;
    case error_class::terminated: return exit_status::terminated;
  }
  return exit_status::internal;
}

std::span<const status_meaning> status_meanings() noexcept { return meanings; }

}  // namespace netlab::app
