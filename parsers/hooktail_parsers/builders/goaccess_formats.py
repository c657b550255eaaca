"""GoAccess's predefined log formats, by the names that its option `log-format` takes."""

from __future__ import annotations

from typing import NamedTuple


class GoAccessFormat(NamedTuple):
    """A log format with its date and time formats."""

    log: str
    date: str = "%d/%b/%Y"
    time: str = "%H:%M:%S"


_DAY, _CLOCK = "%Y-%m-%d", "%H:%M:%S"
_CLOUDFRONT = "%d %t %^ %b %h %m %v %U %s %R %u %q %^ %C %^ %^ %^ %^ %T %^ %K %k %^ %H %^"

PREDEFINED = {
    "COMBINED": GoAccessFormat('%h %^[%d:%t %^] "%r" %s %b "%R" "%u"'),
    "VCOMBINED": GoAccessFormat('%v:%^ %h %^[%d:%t %^] "%r" %s %b "%R" "%u"'),
    "COMMON": GoAccessFormat('%h %^[%d:%t %^] "%r" %s %b'),
    "VCOMMON": GoAccessFormat('%v:%^ %h %^[%d:%t %^] "%r" %s %b'),
    "W3C": GoAccessFormat("%d %t %^ %m %U %q %^ %^ %h %u %R %s %^ %^ %L", _DAY, _CLOCK),
    "CLOUDFRONT": GoAccessFormat(
        "\t".join(_CLOUDFRONT.split()),
        _DAY,
        _CLOCK,
    ),
    "CLOUDSTORAGE": GoAccessFormat(
        '"%x","%h",%^,%^,"%m","%U","%s",%^,"%b","%D",%^,"%R","%u"', "%f", "%f"
    ),
    "AWSELB": GoAccessFormat(
        '%^ %dT%t.%^ %^ %h:%^ %^ %^ %T %^ %s %^ %^ %b "%r" "%u" %k %K %^ "%^" "%v"', _DAY, _CLOCK
    ),
    "AWSALB": GoAccessFormat(
        '%^ %dT%t.%^ %v %h:%^ %^ %^ %T %^ %s %^ %^ %b "%r" "%u" %k %K %^', _DAY, _CLOCK
    ),
    "AWSS3": GoAccessFormat('%^ %v [%d:%t %^] %h %^"%r" %s %^ %b %^ %L %^ "%R" "%u"'),
    # GoAccess takes the machine that sent the line for the site (%v), which the URL states.
    "SQUID": GoAccessFormat("%^ %^ %^ %^ %^: %x.%^ %~%L %h %^/%s %b %m %U", "%s", "%s"),
    "CADDY": GoAccessFormat(
        '{"ts":"%x.%^","request":{"client_ip":"%h","proto":"%H","method":"%m","host":"%v",'
        '"uri":"%U","headers":{"User-Agent":["%u"],"Referer":["%R"]},'
        '"tls":{"cipher_suite":"%k","proto":"%K"}},"duration":"%T","size":"%b","status":"%s",'
        '"resp_headers":{"Content-Type":["%M"]}}',
        "%s",
        "%s",
    ),
    # GoAccess takes the router for the site (%v), and the backend for the path (%U).
    "TRAEFIKCLF": GoAccessFormat('%h - %e [%d:%t %^] "%r" %s %b "%R" "%u" %^ "%^" "%^" %Lms'),
}
