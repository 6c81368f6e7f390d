// SPDX-License-Identifier: MIT
// netlab lab serve: runs the lab's services.
#pragma once

#include "frame/command.hpp"

namespace netlab::app {

extern const action lab_serve;

}  // namespace netlab::app
