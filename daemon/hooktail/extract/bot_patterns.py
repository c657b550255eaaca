"""Machines that the crawler-user-agents list misses, by the names that `bot_patterns_remove` takes.

The patterns are found anywhere in a user agent, in any case. They must read the same in `re` and in
google-re2: no look-around, no back-references.

`FALSE_SIGNS` are what people's devices and apps say that the patterns take for machines.
"""

from __future__ import annotations

MORE_PATTERNS = {
    # Health checks and monitors
    "kube-probe": r"kube-probe",
    "ELB-HealthChecker": r"ELB-HealthChecker",
    "GoogleHC": r"GoogleHC",
    "Amazon-Route53-Health-Check-Service": r"Amazon-Route53-Health-Check-Service",
    "AlwaysOn": r"^AlwaysOn$",
    "Prometheus": r"Prometheus",
    "HAProxy": r"HAProxy",
    "Zabbix": r"Zabbix",
    "Nagios": r"Nagios",
    "check_http": r"check_http",
    "Uptime-Kuma": r"Uptime-Kuma",
    "StatusCake": r"StatusCake",
    "Site24x7": r"Site24x7",
    "Freshping": r"^Freshping/",
    "Datadog": r"Datadog",
    "Oh Dear": r"^ohdear\.app",
    "health check": r"\bhealth[ -]?(?:check|probe)",
    "monit": r"^monit/",
    "Icinga": r"\bIcinga",
    "Blackbox-Exporter": r"Blackbox[ -]Exporter",
    "Azure Traffic Manager": r"^Azure Traffic Manager",
    "Varnish-Probe": r"^Varnish-Probe",
    "Envoy": r"^Envoy/HC",
    # Fetchers of podcast feeds
    "iTMS": r"^iTMS$",
    "Amazon Music Podcast": r"^Amazon Music Podcast$",
    "Podchaser-Parser": r"^Podchaser-Parser",
    # Automated browsers
    "HeadlessChrome": r"HeadlessChrome",
    "Lighthouse": r"Lighthouse",
    "PTST": r"\bPTST\b",
    "Cypress": r"\bCypress/",
    "SlimerJS": r"\bSlimerJS/",
    "Prerender": r"\bPrerender\b",
    "Rendertron": r"\bRendertron\b",
    # Libraries, as they call themselves where nobody gave them another name
    "Java": r"^Java/",
    "PHP": r"^PHP/",
    "Ruby": r"^Ruby$",
    "node": r"^node$",
    "undici": r"^undici",
    "GuzzleHttp": r"^GuzzleHttp/",
    "Symfony HttpClient": r"^Symfony HttpClient",
    "Commons-HttpClient": r"Commons-HttpClient",
    "HTTP_Request2": r"^HTTP_Request2/",
    "Faraday": r"^Faraday v",
    "Typhoeus": r"^Typhoeus",
    "RestSharp": r"^RestSharp/",
    "reqwest": r"^reqwest/",
    "fasthttp": r"^fasthttp",
    "lua-resty-http": r"^lua-resty-http/",
    "Embarcadero URI Client": r"^Embarcadero URI Client",
    "PostmanRuntime": r"^PostmanRuntime/",
    "insomnia": r"^insomnia/",
    "PycURL": r"^PycURL/",
    "rest-client": r"^rest-client/",
    "Deno": r"^Deno/",
    "Bun": r"^Bun/",
    "Java-http-client": r"^Java-http-client/",
    "ureq": r"^ureq/",
    "hyper": r"^hyper/",
    "http.rb": r"^http\.rb/",
    "LWP::Simple": r"^LWP::Simple/",
    "aria2": r"^aria2/",
    "youtube-dl": r"^youtube-dl\b",
    "yt-dlp": r"^yt-dlp\b",
    # Tests of load
    "ApacheBench": r"^ApacheBench/",
    "k6": r"\bk6/[0-9]",
    "Siege": r"\bSiege/[0-9]",
    "JMeter": r"\bJMeter\b",
    "hey": r"^hey/[0-9]",
    # Scanners
    "gobuster": r"^gobuster/",
    "Nuclei": r"^Nuclei - ",
    "feroxbuster": r"^feroxbuster/",
    "Fuzz Faster U Fool": r"^Fuzz Faster U Fool",
    "Wordfence": r"\bWordfence\b",
    "Wappalyzer": r"Wappalyzer",
    # Callers
    "GitHub-Hookshot": r"^GitHub-Hookshot/",
    "Jetpack": r"^Jetpack by WordPress\.com",
    "Twilio": r"^Twilio(?:Proxy)?/",
    "PayPal IPN": r"^PayPal IPN",
    "n8n": r"^n8n\b",
    "Microsoft Office Existence Discovery": r"^Microsoft Office Existence Discovery",
    # Every browser says more
    "Mozilla": r"^Mozilla/[0-9.]+$",
    # Whoever says so: a page about itself (`+https://...`), or a name that ends in what it is
    "+https": r"\+ ?(?:https?:|mailto:)",
    "bot": r"bot\b",
    "crawler": r"crawler\b",
    "spider": r"spider\b",
    "scraper": r"scraper\b",
}

FALSE_SIGNS = (
    # Phones of the brand Cubot ("CUBOT X19", "CUBOT_NOTE_S"): they end in "bot".
    r"\bCUBOT(?=[ _,;)/-]|$)",
    # Models of Android, alone in their place: "Talbot", "Robot Phone R1"; not "TalBot", "a-bot/1".
    (
        r"(?-i:\bLinux; (?:U; )?Android [\d.]+; (?:[a-z]{2}[-_][A-Za-z]{2}; )?"
        r"(?![^;()/+]*[a-z]Bot\b)[^;()/+]{0,40}[Bb][Oo][Tt]\b[^;()/+]{0,40}(?=\)| Build/|; wv\)))"
        r"(?=.* (?:AppleWebKit|Chrome|Gecko)/)"
    ),
    # Players of podcasts that name a page about themselves; the fetchers of the same makers do not
    # call themselves apps.
    r"^[\w ]+/[\w.]+ \(\+https?://[^\s;()]+; [\w ]+ podcast app\)",
    r"^Podimo/[\d.]+ build ",
    r"^GoogleChirp/",
    # Browsers within messengers, whose previews of links go by the name alone.
    (
        r"(?<=^Mozilla/5\.0 \()(?=.* (?:AppleWebKit/|Safari/[\d.]+|Mobile/\w+))"
        r"(?=.* (?:WhatsApp|Viber)/)(?!.*(?:bot\b|crawler|spider|\+ ?http)).*"
    ),
)
"""What is left out of an agent before the patterns are asked a second time; for `re` alone."""
