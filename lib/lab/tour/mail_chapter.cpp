// SPDX-License-Identifier: MIT
#include "lab/tour/chapters.hpp"

#include <array>

#include "lab/tour/post_office.hpp"

namespace netlab::lab {
namespace {

constexpr std::array<step<post_office>, 8> mail_steps{{
    {"By hand: the dialogue", by_hand},
    {"By program: the same", by_program},
    {"Why does a client check the certificate?", trust},
    {"Other addresses in MAIL FROM and in From: what does one notice?", two_senders},
    {"What does the receiver know about the sender?", receiver_knows},
    {"A recipient that is not in the letter", blind_copy},
    {"A dot at the start of a line", dots},
    {"What if an attacker removes STARTTLS?", starttls_removed},
}};

}  // namespace

std::vector<std::string_view> mail_titles() { return titles_of(mail_steps); }

step_result tell_mail(narrator& tell, std::string /*netlab*/) {
  post_office room(tell);
  if (auto opened = room.open(); !opened) co_return opened;
  co_return co_await play(room, mail_steps);
}

}  // namespace netlab::lab
