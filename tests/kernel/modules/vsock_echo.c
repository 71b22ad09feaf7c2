// SPDX-License-Identifier: GPL-2.0-or-later
/* A program for a guest: sends a word to itself through AF_VSOCK's loopback. Exits 0 if it came. */
#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	struct sockaddr_vm at = {
		.svm_family = AF_VSOCK, .svm_port = 1234, .svm_cid = 1 /* VMADDR_CID_LOCAL */
	};
	int server = socket(AF_VSOCK, SOCK_STREAM, 0), client = socket(AF_VSOCK, SOCK_STREAM, 0);
	char word[5] = "";

	if (bind(server, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(server, 1) != 0 ||
	    connect(client, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    write(client, "word", 4) != 4)
		return 1;
	int peer = accept(server, NULL, NULL);

	return read(peer, word, 4) == 4 && strcmp(word, "word") == 0 ? 0 : 1;
}
