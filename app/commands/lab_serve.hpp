// SPDX-License-Identifier: MIT
// netlab lab serve: the lab's host.
#pragma once

#include "frame/command.hpp"

namespace netlab::app {

extern const action lab_serve;

}  // namespace netlab::app
