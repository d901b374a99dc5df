"""The macros of Proxmox VE 9: names for protocols with their ports (API: ``GET /cluster/firewall/macros``)."""

MACROS = tuple(
    """
    Amanda Auth BGP BitTorrent BitTorrent32 Ceph Citrix CVS DAAP DCC DHCPfwd DHCPv6 Distcc DNS
    Finger FTP Git GNUnet GRE HKP HTTP HTTPS ICPV2 ICQ IMAP IMAPS IPIP IPsec IPsecah IPsecnat IRC
    Jetdirect L2TP LDAP LDAPS Mail MDNS MSNP MSSQL Munin MySQL NeighborDiscovery NNTP NNTPS NTP
    OpenVPN OSPF PCA Ping PMG POP3 POP3S PostgreSQL PPtP Printer Razor Rdate RDP RIP RNDC Rsync SANE
    SixXS SMB SMBswat SMTP SMTPS SNMP SPAMD SPICEproxy Squid SSH Submission SVN Syslog Telnet
    Telnets TFTP Time Trcrt VNC VNCL Web Webcache Webmin Whois
    """.split()
)
"""Their names; Proxmox takes them in capitals or small letters."""
