using OneCopy;

namespace FirstMessages;

public static class Producer
{
    public static async Task RunAsync(string name, ReadOnlyMemory<byte> image)
    {
        await using var queue = MessageQueue.Open(name);                // made, or joined

        queue.Send("a small message is copied into the queue"u8);       // survives this process

        var options = new SendOptions { Properties = new() { ContentType = "image/png" } };
        await queue.SendAsync(image, options);                          // stays here until a consumer has pulled it
    }
}
