"""What lies in `acl.prof`; `acl_bundle.pyacl.table` says how a row is read."""

ROWS = """
init                         aclprofInit                 sk>e!       @s
finalize                     aclprofFinalize             >e
create_config                aclprofCreateConfig         kIikk>p!    @likk
destroy_config               aclprofDestroyConfig        k>e!
start                        aclprofStart                k>e!
stop                         aclprofStop                 k>e!
set_config                   aclprofSetConfig            isk>e!      @is
create_subscribe_config      aclprofCreateSubscribeConfig bik>p      @bii
destroy_subscribe_config     aclprofDestroySubscribeConfig k>e
model_subscribe              aclprofModelSubscribe       Ik>e
model_un_subscribe           aclprofModelUnSubscribe     I>e
model_unsubscribe            aclprofModelUnSubscribe     I>e
get_op_desc_size             aclprofGetOpDescSize        P>e
get_op_num                   aclprofGetOpNum             kkU>e
get_op_type_len              aclprofGetOpTypeLen         kkIP>e
get_op_name_len              aclprofGetOpNameLen         kkIP>e
get_op_type                  aclprofGetOpType            kkIkk>e     @kkIk
get_op_name                  aclprofGetOpName            kkIkk>e     @kkIk
get_op_type_v2               aclprofGetOpType            kkIkk>e     @kkI
get_op_name_v2               aclprofGetOpName            kkIkk>e     @kkI
get_op_start                 aclprofGetOpStart           kkI>p
get_op_end                   aclprofGetOpEnd             kkI>p
get_op_duration              aclprofGetOpDuration        kkI>p
get_model_id                 aclprofGetModelId           kkI>p
create_step_info             aclprofCreateStepInfo       >p
destroy_step_info            aclprofDestroyStepInfo      k>v
get_step_timestamp           aclprofGetStepTimestamp     kik>e
create_stamp                 aclprofCreateStamp          >p
destroy_stamp                aclprofDestroyStamp         k>v!
set_stamp_trace_message      aclprofSetStampTraceMessage ksI>e!
push                         aclprofPush                 k>e!
pop                          aclprofPop                  >e
range_start                  aclprofRangeStart           kU>e!
range_stop                   aclprofRangeStop            I>e!
mark                         aclprofMark                 k>e!
mark_ex                      aclprofMarkEx               skk>e!      @sk
"""
