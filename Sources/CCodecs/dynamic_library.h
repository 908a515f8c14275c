#ifndef CCODECS_DYNAMIC_LIBRARY_H
#define CCODECS_DYNAMIC_LIBRARY_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

// A function of a library that is loaded at run time, and the pointer that receives it.
typedef struct {
    const char *name;
    void *place;
} DynamicSymbol;

// Opens the first library that exists. Returns NULL if there is none.
static inline void *dynamic_library(const char *const *names, size_t count) {
    void *library = NULL;
    for (size_t i = 0; !library && i < count; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return library;
}

// Stores a function of a library, or NULL if the library does not have it. Returns whether it has it.
static inline bool dynamic_symbol(void *library, const char *name, void *place) {
    void *found = dlsym(library, name);
    memcpy(place, &found, sizeof found);
    return found != NULL;
}

// Stores functions of a library. Returns false at the first one that it does not have.
static inline bool dynamic_symbols(void *library, const DynamicSymbol *symbols, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!dynamic_symbol(library, symbols[i].name, symbols[i].place)) return false;
    return true;
}

#endif
