// SPDX-License-Identifier: MIT
// Defines the functions that fmt's headers only declare, for a binary that contains fmt. Debian has them only in a
// shared library, and header-only mode makes the build half as long again.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template FMT_API auto decimal_point_impl(locale_ref) -> char;
template FMT_API auto thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template FMT_API auto locale_ref::get<std::locale>() const -> std::locale;
#if FMT_VERSION >= 100000
template FMT_API void vformat_to(buffer<char>&, string_view, typename vformat_args<>::type, locale_ref);
#endif

}  // namespace detail
FMT_END_NAMESPACE
