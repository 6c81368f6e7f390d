// SPDX-License-Identifier: MIT
// What the page shows to one viewer, for the rendering without JavaScript.
#pragma once

#include <string>
#include <vector>

#include "lab/journal/class_journal.hpp"

namespace netlab::lab {

struct page_model {
  std::vector<const class_row*> rows;   ///< the teacher's: all; a student's: the own one, or none
  std::string viewer_address;           ///< `192.0.2.7`
  bool is_teacher = false;
  std::string token;                    ///< the teacher's, for links; empty for a student
  std::string form_token;               ///< for each form, as the hidden field `form`
  wall_time now{};
  class_totals totals;
  std::vector<const kept_mail*> mails;  ///< newest first; those that the viewer may see
  std::string open_row;                 ///< address of the row whose events are shown, from `/?team=`; may be empty
};

}  // namespace netlab::lab
