// SPDX-License-Identifier: MIT
// Recognizes the steps of the sheet in what the services observe.
//
// What counts:
//   calc_tcp, calc_udp   a binary request with an answer, in the server's byte order
//   telnet               a line of text with an answer
//   several_clients      two connections to calc that are open together, both with an answer
//   local_end            an answered request, or echoed octets, from a source port that the program chose: below 32768,
//                        the same as in the previous connection, or above 60999 on a host that is known to run Linux
//   echo_tcp, echo_udp   octets came back, and the team uses no other service on ports 1 to 50 at the same time
//   scan_tcp, scan_udp   every open port from 1 to 50 was touched within a minute, with data or without
//   mail_by_hand         a message was accepted over STARTTLS, most of whose commands were typed: they came 250 ms or
//                        more after the previous reply
//   mail_by_program      a message was accepted whose commands came faster
//   sender_differs       a message was accepted whose envelope sender is not in From
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "lab/journal/calc_decoder.hpp"
#include "lab/journal/event.hpp"
#include "lab/journal/mail_session.hpp"
#include "lab/journal/observation.hpp"
#include "lab/journal/source_ports.hpp"

namespace netlab::lab {

/// The time in which a scan must touch all ports: 50 ports, each of which may cost a timeout of one second.
inline constexpr std::chrono::seconds scan_time{60};
/// After this pause a scan that did not touch all ports is reported, and octets that were echoed count as echo.
inline constexpr std::chrono::milliseconds scan_pause{600};

/// A service on a port from 1 to 50, before the offset.
struct scanned_port {
  std::string_view service;
  std::uint16_t port = 0;  ///< the actual port, with the offset
  bool udp = false;
};

struct recognizer_parameters {
  byte_order order = byte_order::big;  ///< calc's
  std::vector<scanned_port> scanned;
};

class recognizer {
 public:
  explicit recognizer(recognizer_parameters parameters) : parameters_(std::move(parameters)) {}

  /// `team` identifies all addresses of one team.
  void observe(observation seen, const std::string& team);
  /// Call it several times a second.
  void tick(wall_time now);
  /// In order of time, without identifiers.
  [[nodiscard]] std::vector<class_event> take_events() { return std::exchange(events_, {}); }
  [[nodiscard]] std::vector<kept_mail> take_mails() { return std::exchange(mails_, {}); }

 private:
  struct connection {
    std::string team;
    std::string address;
    std::uint16_t port = 0;
    std::string_view service;
    std::unique_ptr<calc_decoder> calc = nullptr;
    std::unique_ptr<mail_session> mail = nullptr;
    std::uint64_t octets = 0;
    wall_time at{};
    wall_time last_octets{};
    bool has_answer = false;
    bool met_answered = false;  // was open together with another one of the team that has an answer
    bool repeats_port = false;
  };
  /// The ports that a team has touched; perhaps a scan.
  struct touches {
    std::map<std::string_view, wall_time> last;  // by service
    wall_time last_at{};
    std::size_t reported = 0;  // ports in the last report
    std::string address = {};  // of the last touch
    bool is_new = false;  // touched since the last check
  };
  struct team_state {
    touches tcp;
    touches udp;
    std::map<std::string, source_ports> ports;  // by address
    std::deque<class_event> echoes;  // held until it is known whether they belong to a scan
    std::vector<std::uint64_t> open_calc;  // connections, until several clients are done
    bool is_several_tried = false;
    bool is_several_done = false;
  };

  /// An event on a TCP connection, without its text and verdict.
  [[nodiscard]] static class_event event_on(const connection& of, wall_time at);
  team_state& state_of(const std::string& team);
  source_ports& ports_of(const std::string& team, const std::string& address);
  void on_connected(const observation& seen, const std::string& team);
  void on_received(connection& on, const observation& seen);
  void on_closed(const observation& seen);
  void on_datagram(const observation& seen, const std::string& team);
  void on_mail(connection& on, observation& seen);
  void take_calc(connection& on);
  void hold_echo(const std::string& team, bool repeats_port, sheet_step which, class_event event);
  void compare_clients(const std::string& team, wall_time now);
  void report_clients(const connection& of, bool is_done, wall_time now);
  void mark_own_port(const std::string& team, bool repeats, bool is_answered, class_event& event);
  void touch(const std::string& team, const std::string& address, std::string_view service, bool udp, wall_time at);
  void report_scan(const std::string& address, touches& seen, bool udp, wall_time now);
  [[nodiscard]] std::size_t count_touched(const touches& seen, bool udp, wall_time since, std::string* missing) const;
  [[nodiscard]] std::size_t count_open(bool udp) const;
  [[nodiscard]] bool is_scanned(std::string_view service, bool udp) const;
  void settle_echoes(team_state& of, wall_time now);
  void take_mail_events(connection& on);

  recognizer_parameters parameters_;
  std::map<std::uint64_t, connection> connections_;
  std::map<std::string, team_state> teams_;
  std::vector<class_event> events_;
  std::vector<kept_mail> mails_;
};

}  // namespace netlab::lab
