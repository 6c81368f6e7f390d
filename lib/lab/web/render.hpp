// SPDX-License-Identifier: MIT
// The page as it is without JavaScript: the state of now, as HTML.
#pragma once

#include <string>
#include <string_view>

#include "lab/web/page_model.hpp"

namespace netlab::lab {

/// The whole document of `/`. Every text of the model is escaped. `page_template` is page.html, whose `{{name}}` are
/// replaced.
[[nodiscard]] std::string render_page(const page_model& model, std::string_view page_template);

/// Text for the content of an element and for an attribute in double quotes.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace netlab::lab
