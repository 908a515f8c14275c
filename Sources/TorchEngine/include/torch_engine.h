// The engine is reached through `ct_engine_table`, which CTorch finds when it loads: nothing to call by name here.
#pragma once
