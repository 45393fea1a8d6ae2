"""What talks to other machines, or waits for them to talk."""

from __future__ import annotations

from .meaning import Meaning, Table

__all__ = ["TABLE"]

_TALKS = Meaning("network", "high", "network_hosts", "talks to the network", "network")
_URL = _TALKS._replace(subject="url", argument=0, word="url")
_SECOND = _URL._replace(argument=1)
_BASE = _URL._replace(argument=None, word="base_url")
_AIO_BASE = _URL._replace(argument=0, word="base_url")
_HOST = _TALKS._replace(subject="host", argument=0, word="host")
_HOST_SECOND = _HOST._replace(argument=1)
_ADDRESS = _HOST._replace(word="address", does="connects to another machine")
_LISTENS = _TALKS._replace(does="opens a port for others to connect to", subject="", argument=None)
_NAMES = _HOST._replace(does="asks a name server, which tells it the name")
_CERTIFICATE = _HOST._replace(severity="medium", word="addr", does="connects to another machine")
_LOGS = _HOST._replace(does="sends log records to another machine")
_LOCAL = _TALKS._replace(severity="medium", does="makes a socket")

TABLE: Table = (
    (
        _TALKS,
        """
        socket socketserver ssl http.client http.server asyncore asynchat
        urllib.request ftplib smtplib imaplib poplib nntplib telnetlib xmlrpc smtpd cgi wsgiref
        wsgiref.simple_server
        requests httpx httpx2 aiohttp urllib3 httplib2 pycurl httpcore niquests curl_cffi grequests
        requests_html requests_toolbelt treq mechanize robobrowser cloudscraper primp
        websockets websocket wsproto socketio engineio autobahn
        grpc zmq nanomsg pynng aiozmq thrift
        paramiko asyncssh fabric scp pysftp netmiko napalm ncclient telnetlib3 aioftp ftputil
        dns aiodns pycares dnslib scapy nmap impacket pyshark pcapy
        paho.mqtt aiomqtt stomp pika aio_pika kombu kafka aiokafka confluent_kafka nats
        twisted.internet twisted.web tornado.httpclient tornado.websocket tornado.tcpclient
        tornado.httpserver tornado.iostream tornado.tcpserver
        eventlet.green gevent.socket gevent.server
        anyio: connect_unix create_tcp_listener create_unix_listener create_udp_socket
        anyio: create_connected_udp_socket getaddrinfo getnameinfo create_unix_datagram_socket
        trio: open_tcp_listeners serve_tcp socket
        trio: open_unix_socket
        asyncio: open_unix_connection start_unix_server
        uvicorn hypercorn gunicorn waitress flask.Flask().run bottle.run
        geopy geocoder pyzmail imapclient aioimaplib aiosmtplib yagmail exchangelib
        redis aioredis pymongo motor psycopg psycopg2 asyncpg pg8000 mysql MySQLdb pymysql aiomysql
        pymssql pyodbc oracledb cx_Oracle cassandra couchdb neo4j elasticsearch opensearchpy
        clickhouse_driver clickhouse_connect influxdb influxdb_client memcache pymemcache happybase
        rethinkdb snowflake.connector trino
        ldap ldap3 pysnmp puresnmp hdfs pywebhdfs smb smbprotocol smbclient
        zeep suds jsonrpclib gql sgqlc spyne Pyro4 Pyro5 rpyc
        scrapy newspaper newspaper3k goose3
        youtube_dl yt_dlp pytube pytubefix gdown wget
        torrentp libtorrent stem torpy socks
        whois ipwhois speedtest upnpy zeroconf bluetooth bleak serial
        fake_useragent webdriver_manager
        kubernetes kubernetes_asyncio libcloud openstack nomad consul etcd3 hvac
        celery.Celery rq.Queue dramatiq huey
        nltk.download
        websocket_server simple_websocket_server
        """,
    ),
    (
        _URL,
        """
        urllib.request: urlopen urlretrieve Request URLopener().open FancyURLopener().open
        urllib.request: build_opener().open URLopener().retrieve
        urllib.request: build_opener().retrieve
        requests: get post put delete head options patch
        requests: Session().get Session().post Session().put Session().delete Session().head
        requests: Session().options Session().patch
        httpx: get post put delete head options patch
        httpx: Client().get Client().post Client().put Client().delete Client().head
        httpx: Client().options Client().patch
        httpx2: get post put delete head options patch
        httpx2: Client().get Client().post Client().put Client().delete Client().head
        httpx2: Client().options Client().patch
        aiohttp: ClientSession().get ClientSession().post ClientSession().put
        aiohttp: ClientSession().delete ClientSession().head ClientSession().options
        aiohttp: ClientSession().patch ClientSession().ws_connect
        websockets: connect client.connect sync.client.connect
        websocket: create_connection WebSocketApp WebSocket().connect
        socketio: Client().connect AsyncClient().connect SimpleClient().connect
        treq: get post put delete head
        httplib2.Http().request
        wget.download gdown.download
        trafilatura: fetch_url fetch_response
        newspaper: Article build
        tornado: httpclient.AsyncHTTPClient().fetch httpclient.HTTPClient().fetch
        tornado: websocket.websocket_connect
        pytube: YouTube Playlist Channel
        urllib3.connection_from_url
        redis: from_url Redis.from_url asyncio.from_url asyncio.Redis.from_url
        neo4j: GraphDatabase.driver
        nats.connect
        niquests: get post put delete head patch options
        """,
    ),
    (_URL._replace(word="uri"), "xmlrpc.client: ServerProxy Server"),
    (
        _SECOND,
        """
        requests: request Session().request
        httpx: request stream Client().request Client().stream
        httpx2: request stream Client().request Client().stream
        aiohttp: request ClientSession().request
        urllib3: request PoolManager().request PoolManager().urlopen
        niquests.request
        requests.Request httpx.Request httpx2.Request
        """,
    ),
    (_BASE, "httpx.Client httpx2.Client"),
    (_AIO_BASE, "aiohttp.ClientSession"),
    (
        _ADDRESS,
        """
        socket: create_connection socket().connect socket().connect_ex socket().sendto
        ssl: SSLContext().wrap_socket().connect create_default_context().wrap_socket().connect
        asyncore.dispatcher().connect
        eventlet.connect
        multiprocessing.connection.SocketClient
        """,
    ),
    (
        _HOST_SECOND._replace(word=""),
        """
        asyncio.AbstractEventLoop().sock_connect asyncio.AbstractEventLoop().sock_sendto
        *.sock_connect *.sock_sendto
        """,
    ),
    (
        _HOST,
        """
        http.client: HTTPConnection HTTPSConnection
        ftplib: FTP FTP_TLS FTP().connect
        smtplib: SMTP SMTP_SSL LMTP SMTP().connect
        imaplib: IMAP4 IMAP4_SSL
        poplib: POP3 POP3_SSL
        nntplib: NNTP NNTP_SSL
        telnetlib: Telnet Telnet().open
        asyncio: open_connection
        urllib3: HTTPConnectionPool HTTPSConnectionPool
        paramiko: Transport SSHClient().connect
        asyncssh.connect fabric.Connection pysftp.Connection
        anyio: connect_tcp
        trio: open_tcp_stream open_ssl_over_tcp_stream
        redis: Redis StrictRedis asyncio.Redis
        pymongo: MongoClient AsyncMongoClient
        ldap.initialize ldap3.Server
        aiosmtplib: send SMTP
        imapclient.IMAPClient
        telnetlib3.open_connection
        """,
    ),
    (
        _HOST._replace(argument=1),
        """
        asyncio.AbstractEventLoop().create_connection
        *.create_connection
        """,
    ),
    (
        _HOST._replace(argument=None),
        """
        psycopg: connect AsyncConnection.connect Connection.connect
        psycopg2: connect
        asyncpg: connect create_pool
        mysql.connector: connect
        pymysql.connect MySQLdb.connect aiomysql.connect
        """,
    ),
    (
        _TALKS,
        """
        asyncio.AbstractEventLoop().create_datagram_endpoint
        asyncio.AbstractEventLoop().create_unix_connection
        *.create_datagram_endpoint *.create_unix_connection
        """,
    ),
    (
        _NAMES,
        """
        socket: gethostbyname gethostbyname_ex getaddrinfo gethostbyaddr getnameinfo getfqdn
        asyncio.AbstractEventLoop().getaddrinfo asyncio.AbstractEventLoop().getnameinfo
        *.getaddrinfo *.getnameinfo
        aiodns: DNSResolver().query DNSResolver().gethostbyname
        dns.resolver: resolve query
        dns.asyncresolver: resolve
        """,
    ),
    (_CERTIFICATE, "ssl: get_server_certificate"),
    (
        _LISTENS,
        """
        socketserver: TCPServer UDPServer ThreadingTCPServer ThreadingUDPServer UnixStreamServer
        socketserver: UnixDatagramServer ForkingTCPServer ForkingUDPServer
        http.server: HTTPServer ThreadingHTTPServer test HTTPSServer ThreadingHTTPSServer
        xmlrpc.server
        wsgiref.simple_server: make_server WSGIServer
        asyncio: start_server
        asyncio.AbstractEventLoop().create_server *.create_server
        asyncio.AbstractEventLoop().create_unix_server *.create_unix_server
        aiohttp.web: run_app TCPSite UnixSite AppRunner
        uvicorn: run Server
        websockets: serve
        socket: create_server socket().bind socket().listen
        """,
    ),
    (
        _LOGS,
        """
        logging.handlers: HTTPHandler SocketHandler DatagramHandler SysLogHandler
        """,
    ),
    (_LOGS._replace(word="mailhost"), "logging.handlers: SMTPHandler"),
    (_TALKS, "urllib.robotparser.RobotFileParser().read"),
    (
        _URL._replace(condition="url:0/url_file_stream_or_string", called=True),
        "feedparser.parse feedparser",
    ),
    (
        _TALKS._replace(does="reads or writes wherever a URL says"),
        """
        fsspec s3fs gcsfs adlfs smart_open ipfshttpclient upath
        """,
    ),
    (
        _URL._replace(argument=0, word="urlpath", does="reads or writes wherever a URL says"),
        "fsspec: open open_files get_mapper\nsmart_open: open smart_open",
    ),
    (
        _URL._replace(does="connects to a database"),
        """
        sqlalchemy: create_engine create_async_engine ext.asyncio.create_async_engine
        databases.Database
        peewee: PostgresqlDatabase MySQLDatabase
        tortoise.Tortoise.init
        """,
    ),
    (
        _TALKS._replace(does="drives a browser"),
        "selenium playwright pyppeteer splinter helium undetected_chromedriver seleniumwire",
    ),
    (
        None,
        """
        requests: exceptions RequestException HTTPError ConnectionError Timeout ConnectTimeout
        requests: ReadTimeout URLRequired TooManyRedirects JSONDecodeError codes auth structures
        requests: Response cookies status_codes models.Response utils.quote __version__ models
        requests: adapters.Retry compat packages
        requests: utils.urlparse utils.default_user_agent
        httpx: Timeout Limits URL Headers QueryParams Cookies HTTPError HTTPStatusError
        httpx: RequestError TimeoutException ConnectError ConnectTimeout ReadTimeout WriteTimeout
        httpx: PoolTimeout NetworkError ProtocolError InvalidURL Response Auth BasicAuth DigestAuth
        httpx: TransportError TooManyRedirects DecodingError StreamError codes MockTransport
        httpx: ReadError WriteError CloseError UnsupportedProtocol __version__ USE_CLIENT_DEFAULT
        httpx: RemoteProtocolError LocalProtocolError ProxyError CookieConflict ByteStream Proxy
        httpx: ASGITransport WSGITransport NetRCAuth create_ssl_context HTTPTransport
        httpx: AsyncHTTPTransport BaseTransport AsyncBaseTransport
        httpx2: Timeout Limits URL Headers QueryParams Cookies HTTPError HTTPStatusError Response
        httpx2: RequestError TimeoutException ConnectError ReadTimeout TransportError InvalidURL
        aiohttp: ClientError ClientResponse ClientTimeout ClientResponseError ClientConnectionError
        aiohttp: ClientConnectorError ServerTimeoutError ContentTypeError InvalidURL BasicAuth
        aiohttp: FormData TCPConnector CookieJar DummyCookieJar hdrs ClientPayloadError WSMsgType
        aiohttp: http_exceptions client_exceptions web typedefs
        aiohttp: helpers
        urllib3: exceptions util.Retry util.Timeout Retry Timeout util.parse_url util.url.parse_url
        urllib3: disable_warnings util.retry util.timeout HTTPResponse response filepost fields
        urllib3: util.make_headers
        websockets: exceptions ConnectionClosed ConnectionClosedError ConnectionClosedOK
        websocket: WebSocketException WebSocketTimeoutException WebSocketConnectionClosedException
        grpc: StatusCode RpcError aio.AioRpcError Status
        zmq: ZMQError Again
        paramiko: ssh_exception SSHException AuthenticationException RSAKey Ed25519Key
        redis: exceptions RedisError ConnectionError
        pymongo: errors ASCENDING DESCENDING
        psycopg2: Error OperationalError sql errors extras
        psycopg: Error OperationalError sql errors rows
        mysql.connector: Error errors
        elasticsearch: exceptions NotFoundError
        dns: exception name rdatatype rdataclass rcode flags
        kubernetes.client.exceptions kafka.errors pika.exceptions
        scrapy: Item Field selector.Selector Selector
        geopy: distance Point location units
        yt_dlp.utils.DownloadError
        sqlalchemy.exc
        feedparser: util.FeedParserDict FeedParserDict
        kombu.exceptions redis.retry redis.backoff
        socket: gethostname error timeout gaierror herror inet_aton inet_ntoa inet_pton inet_ntop
        socket: htonl htons ntohl ntohs AddressFamily SocketKind AddressInfo MsgFlag has_ipv6
        socket: getservbyname getservbyport getprotobyname getdefaulttimeout if_nameindex
        socket: if_indextoname if_nametoindex socketpair has_dualstack_ipv6 CMSG_LEN CMSG_SPACE
        socket: SOCK_STREAM SOCK_DGRAM AF_INET AF_INET6 AF_UNIX AF_UNSPEC SOL_SOCKET SO_REUSEADDR
        socket: SO_REUSEPORT SO_KEEPALIVE SO_BROADCAST IPPROTO_TCP IPPROTO_UDP IPPROTO_IP
        socket: IPPROTO_IPV6 IPPROTO_ICMP TCP_NODELAY SHUT_RD SHUT_WR SHUT_RDWR SOMAXCONN INADDR_ANY
        socket: NI_NUMERICHOST NI_NUMERICSERV AI_PASSIVE AI_CANONNAME AI_NUMERICHOST MSG_PEEK
        socket: EAI_NONAME EAI_AGAIN SOCK_RAW SOCK_NONBLOCK SOCK_CLOEXEC AF_PACKET AF_NETLINK IP_TTL
        ssl: SSLError SSLCertVerificationError CertificateError SSLZeroReturnError SSLWantReadError
        ssl: SSLWantWriteError SSLSyscallError SSLEOFError create_default_context SSLContext
        ssl: Purpose TLSVersion VerifyMode VerifyFlags Options AlertDescription OPENSSL_VERSION
        ssl: OPENSSL_VERSION_INFO OPENSSL_VERSION_NUMBER CERT_NONE CERT_OPTIONAL CERT_REQUIRED
        ssl: PROTOCOL_TLS PROTOCOL_TLS_CLIENT PROTOCOL_TLS_SERVER HAS_SNI HAS_ALPN HAS_TLSv1_3
        ssl: DER_cert_to_PEM_cert PEM_cert_to_DER_cert cert_time_to_seconds get_protocol_name
        ssl: match_hostname RAND_bytes RAND_status DefaultVerifyPaths get_default_verify_paths
        ssl: OP_NO_SSLv2 OP_NO_SSLv3 OP_NO_TLSv1 OP_NO_TLSv1_1 OP_ALL MemoryBIO
        http.HTTPStatus http.HTTPMethod http.cookies http.cookiejar
        http.client: responses HTTPException HTTPResponse HTTPMessage parse_headers NotConnected
        http.client: InvalidURL IncompleteRead BadStatusLine RemoteDisconnected HTTP_PORT HTTPS_PORT
        http.client: UnknownProtocol ImproperConnectionState CannotSendRequest LineTooLong
        http.client: OK NOT_FOUND CREATED ACCEPTED NO_CONTENT BAD_REQUEST UNAUTHORIZED FORBIDDEN
        http.client: INTERNAL_SERVER_ERROR BAD_GATEWAY SERVICE_UNAVAILABLE TOO_MANY_REQUESTS
        http.server: BaseHTTPRequestHandler
        urllib.parse urllib.error urllib.response urllib.robotparser
        urllib.request: pathname2url url2pathname quote unquote parse_http_list parse_keqv_list
        urllib.request: HTTPError URLError urlparse urlsplit urljoin unquote_to_bytes
        ftplib: error_perm error_temp error_reply error_proto all_errors Error
        smtplib: SMTPException SMTPAuthenticationError SMTPRecipientsRefused quoteaddr quotedata
        smtplib: SMTPServerDisconnected SMTPConnectError SMTPDataError SMTPHeloError
        smtplib: SMTPResponseException SMTPSenderRefused SMTPNotSupportedError
        imaplib: Internaldate2tuple Int2AP ParseFlags Time2Internaldate
        xmlrpc.client: dumps loads Fault Error ProtocolError DateTime Binary Marshaller Unmarshaller
        xmlrpc.client: escape ResponseError boolean
        cgi: parse_header
        wsgiref: headers util types validate
        socketserver: BaseRequestHandler StreamRequestHandler DatagramRequestHandler
        celery.exceptions
        """,
    ),
)
