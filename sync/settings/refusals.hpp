// git-sync's settings that have no meaning here: each is refused with the reason and what to do instead, or taken in silence while it has the value
// that changes nothing. Pure.
#pragma once

#include "sync/settings/old_spellings.hpp"

namespace tidemark::sync {

// Takes them out of the command line and the environment; adds a problem for each that asks for what there is not, and a note for each that is not
// needed.
void take_out_refusals(Spelling& spelling);

}  // namespace tidemark::sync
