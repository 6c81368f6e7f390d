// SPDX-License-Identifier: MIT
// netlab mail wait: waits until a message is in a Maildir.
#pragma once

#include "frame/cli.hpp"
#include "frame/console.hpp"

namespace netlab::app {

/// Its own options, for the table of `netlab mail`.
namespace wait_options {
inline constexpr option count{
    .name = "count", .argument = "N", .help = "wait for this many messages, and print the newest", .fallback = "1"};
inline constexpr option from{.name = "from",
                             .argument = "ADDR",
                             .help =
                                 "only messages from this sender, of the envelope or the header; @DOMAIN: any of a "
                                 "domain, <>: the null sender",
                             .fallback = {},
                             .repeatable = true};
inline constexpr option maildir{
    .name = "maildir", .argument = "DIR", .help = "Maildir to look in; by default that of `netlab mail sink`"};
inline constexpr option subject{.name = "subject",
                                .argument = "TEXT",
                                .help = "only messages with this text in their subject, in any case",
                                .fallback = {},
                                .repeatable = true};
inline constexpr option timeout{
    .name = "timeout", .argument = "DURATION", .help = "give up after this long; 0: do not wait", .fallback = "10s"};
inline constexpr option to{.name = "to",
                           .argument = "ADDR",
                           .help =
                               "only messages to this recipient, of the envelope or the header; @DOMAIN: any of a "
                               "domain; given several times: to all of them",
                           .fallback = {},
                           .repeatable = true};
}  // namespace wait_options

/// The action `mail wait`.
[[nodiscard]] exit_status wait(arguments& args, console& out);

}  // namespace netlab::app
