//! Programs that fetch pages in the place of people, told by their user agents.

/// How they begin, in lower case. HTTP clients that storefronts and apps are built with are not among them: Medusa
/// keeps the user agent of the server that called it with each order.
const PROGRAMS: &[&str] = &[
    "apachebench/",
    "curl/",
    "go-http-client/",
    "httpie/",
    "insomnia/",
    "k6/",
    "libwww-perl",
    "lwp::",
    "postmanruntime/",
    "python-httpx/",
    "python-requests/",
    "python-urllib/",
    "python/",
    "scrapy/",
    "wget/",
    "www-mechanize/",
];
/// What browsers that nobody looks at say somewhere.
const AUTOMATED: &[&str] =
    &["headlesschrome", "phantomjs", "puppeteer", "playwright", "selenium", "lighthouse", "pingdom"];

/// Whether a user agent is one of these.
pub(super) fn is_one(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    PROGRAMS.iter().any(|start| text.starts_with(start)) || AUTOMATED.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    #[test]
    fn programs_are_bots_and_the_servers_of_shops_are_not() {
        let is_bot = |text| super::super::read(text).is_some_and(|agent| agent.is_bot);
        for text in [
            "curl/8.5.0",
            "Wget/1.21.4",
            "python-requests/2.31.0",
            "Python/3.11 aiohttp/3.9.1",
            "Go-http-client/1.1",
            "PostmanRuntime/7.36.0",
            "Scrapy/2.11 (+https://scrapy.org)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        ] {
            assert!(is_bot(text), "{text}");
        }
        for text in [
            "node",
            "undici",
            "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
            "axios/1.7.2",
            "got (https://github.com/sindresorhus/got)",
            "Next.js Middleware",
            "okhttp/4.12.0",
            "GuzzleHttp/7",
            "Ruby",
            "analytics-node-next/latest",
            "analytics-python/2.2.3",
            "analytics-ruby/2.4.0",
            "analytics-php/3.7.0",
            "analytics-java/3.5.0",
            "analytics-go (version: 3.3.0)",
            "analytics-kotlin/1.16.3",
            "Segment.io/1.0",
            "Segment (Actions)",
            "Shopify Mobile/iOS/9.100.0 (iPhone14,5/com.jadedpixel.shopify/17.5.1)",
        ] {
            assert!(!is_bot(text), "{text}");
        }
    }
}
