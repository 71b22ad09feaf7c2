/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The certificates of the seeds in corpus/signature, whose keys were thrown away: an RSA one, and
 * an authority whose chain the seeds `chain` and `long` bring along. */
#pragma once

static const char fuzz_rsa[] = "-----BEGIN CERTIFICATE-----\n"
			       "MIIDBzCCAe+gAwIBAgIUIQe7QJqddC4G8IVhQxRjURfXUXMwDQYJKoZIhvcNAQEL\n"
			       "BQAwEzERMA8GA1UEAwwIRnV6eiByc2EwHhcNMjYxMTI3MTY1MTA4WhcNNDYxMTIy\n"
			       "MTY1MTA4WjATMREwDwYDVQQDDAhGdXp6IHJzYTCCASIwDQYJKoZIhvcNAQEBBQAD\n"
			       "ggEPADCCAQoCggEBAMKKFm1tLDdWQXv5BVoya0OF4+RHmMOJHWnAH8Y6a6EJAejQ\n"
			       "Z80GM++WcgxjFS5IU1c/oaHZjQfxhmu8qTFMTYulO4zUVt5I9rvi7bHUvbSihVhY\n"
			       "tEbqwMe9X20keJYDYQqzSlIKOcanZDUeXCKL4apQmxhgr+kPtmvDvSvLXcFLw0YJ\n"
			       "8g4SRGmdllShTwtTMjpyLm2ZiQTEfnJx2TEE6j1WpJCD6RacKds1OZkKq9aYoSLJ\n"
			       "9ElpJi26tnsh45QMKs1+k5C56uOOTdCZuH4U6x2WWyQwx5psMv7s/UtKX6jm067H\n"
			       "yRfNBlRcUQnYooKWUgbTG/172JXkeHZCWmK2OwECAwEAAaNTMFEwHwYDVR0jBBgw\n"
			       "FoAUm7z0w7gW4uj46rxEBogbxZRNwZYwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4E\n"
			       "FgQUm7z0w7gW4uj46rxEBogbxZRNwZYwDQYJKoZIhvcNAQELBQADggEBAFaUcL9W\n"
			       "cVd5PzoNZhP4BCj+j/t8Tsh19vMpG0sx4e8DMgEjuMrXiTU1bik9s3lI4z42dgp1\n"
			       "sWYcXYVVgayNzxni6+0ILOZApAprf6rVnnmjT6CMFp9Xq0C8up5zHH7aa9nA8zjO\n"
			       "vumZbTjHCT6yANRm7nKaiPCn1QJ0Xhl2HoObKsRlhiHg88WCEgG4bM46KFJjzTVw\n"
			       "UKEgNiXssLIBGg8S6Ui7P2iJmzPLqC+hVHtLvU9WIr04miA+WRT2wLtXrvR3WuZl\n"
			       "APVNOqp6m1U9EP2q29a1Ip3HxJ1qIFNQ72cvbs5Xs1nBE6ErJtUDSAa+b7WBdaYv\n"
			       "7EE9m5B0mUr/LvU=\n"
			       "-----END CERTIFICATE-----\n";

static const char fuzz_root[] = "-----BEGIN CERTIFICATE-----\n"
				"MIIBjTCCATOgAwIBAgIUbHqeh8fmeT9kH6lolgyrD1XccWMwCgYIKoZIzj0EAwIw\n"
				"FDESMBAGA1UEAwwJRnV6eiByb290MB4XDTI2MTEyNzE2NTEwOFoXDTQ2MTEyMjE2\n"
				"NTEwOFowFDESMBAGA1UEAwwJRnV6eiByb290MFkwEwYHKoZIzj0CAQYIKoZIzj0D\n"
				"AQcDQgAEsRBjNC7SNLzFns76bRxW+532xb04XzKkodNgPkEOcz2CGTwEolpY2YjN\n"
				"O0p8DTpGP4db8GYZeZzfJiUTBHfwAqNjMGEwHQYDVR0OBBYEFODqfPKdo7TI/Cwr\n"
				"bI0jqlyAr+FCMB8GA1UdIwQYMBaAFODqfPKdo7TI/CwrbI0jqlyAr+FCMA8GA1Ud\n"
				"EwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMAoGCCqGSM49BAMCA0gAMEUCIQCv\n"
				"YJfrBwoX0GVW4Rcj6PYYpukINDaQaUyQGPbgwv913AIgKcdylOdzqxSdYbos5ZoM\n"
				"YdXWuIDOfVrsMvpLVoJjX1w=\n"
				"-----END CERTIFICATE-----\n";

static const char fuzz_leaf[] = "-----BEGIN CERTIFICATE-----\n"
				"MIIBizCCATGgAwIBAgIBAzAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAtGdXp6IG1p\n"
				"ZGRsZTAeFw0yNjExMjcxNjUxMDhaFw00NjExMjIxNjUxMDhaMBQxEjAQBgNVBAMM\n"
				"CUZ1enogbGVhZjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMHJznrt38pfs2S2\n"
				"MoSObe9CTiiv50gpbMvQP9YIShpI687RDdV0Ji0vO+7WRYdLns9JqbwUCHK37MCw\n"
				"bb8pUhCjcjBwMAwGA1UdEwEB/wQCMAAwCwYDVR0PBAQDAgeAMBMGA1UdJQQMMAoG\n"
				"CCsGAQUFBwMDMB0GA1UdDgQWBBT2bbJcLk6rxcNdZeFXarwyLczvHDAfBgNVHSME\n"
				"GDAWgBTZXdcsigu+Lj7zb1i6hS2yVT281zAKBggqhkjOPQQDAgNIADBFAiEAiLWK\n"
				"hqvLhvkendqJJgmdDD1sMMloh6VPcidlCF8cE88CIE0vGpFfLiq/oqyiQVw7GKcG\n"
				"ieMELTDAquxI/frkIcVq\n"
				"-----END CERTIFICATE-----\n";
