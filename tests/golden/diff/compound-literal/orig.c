/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

struct node {
	int value;
	struct node *next;
};

static struct node *list = &(struct node){ 1, &(struct node){ 2, 0 } };
static struct node *other = &(struct node){ 3, &(struct node){ 4, 0 } };

int first(void)
{
	return list->value + list->next->value;
}

int second(void)
{
	return other->value + other->next->value;
}
