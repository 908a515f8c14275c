// The first real file of this folder replaces this one.
