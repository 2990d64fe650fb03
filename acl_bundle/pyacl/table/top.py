"""What lies in `acl` itself; `acl_bundle.pyacl.table` says how a row is read."""

ROWS = """
init                         aclInit                     S>e
finalize                     aclFinalize                 >e
finalize_reference           aclFinalizeReference        P>e
get_version                  aclrtGetVersion             DDD>e
get_soc_name                 aclrtGetSocName             >t
get_recent_err_msg           aclGetRecentErrMsg          >t          @
float16_to_float             aclFloat16ToFloat           -           @H
float_to_float16             aclFloatToFloat16           -           @f
create_data_buffer           aclCreateDataBuffer         kk>p
destroy_data_buffer          aclDestroyDataBuffer        k>e
get_data_buffer_addr         aclGetDataBufferAddr        k>p
get_data_buffer_size         aclGetDataBufferSize        k>u
get_data_buffer_size_v2      aclGetDataBufferSizeV2      k>p
update_data_buffer           aclUpdateDataBuffer         kkk>e
data_type_size               aclDataTypeSize             i>p
create_tensor_desc           aclCreateTensorDesc         iiki>p      @ili
destroy_tensor_desc          aclDestroyTensorDesc        k>v
get_tensor_desc_type         aclGetTensorDescType        k>e
get_tensor_desc_format       aclGetTensorDescFormat      k>e
get_tensor_desc_size         aclGetTensorDescSize        k>p
get_tensor_desc_element_count aclGetTensorDescElementCount k>p
get_tensor_desc_num_dims     aclGetTensorDescNumDims     k>p
get_tensor_desc_dim          aclGetTensorDescDim         kk>q
get_tensor_desc_dim_v2       aclGetTensorDescDimV2       kkQ>e
get_tensor_desc_dim_range    aclGetTensorDescDimRange    kkkk>e!     @kkk
get_tensor_desc_name         aclGetTensorDescName        k>t
set_tensor_desc_name         aclSetTensorDescName        ks>v
get_tensor_desc_address      aclGetTensorDescAddress     k>p!
get_tensor_desc_by_index     aclGetTensorDescByIndex     kk>p!
trans_tensor_desc_format     aclTransTensorDescFormat    kiP>e
set_tensor_format            aclSetTensorFormat          ki>e!
set_tensor_storage_format    aclSetTensorStorageFormat   ki>e!
set_tensor_origin_format     aclSetTensorOriginFormat    ki>e!
set_tensor_shape             aclSetTensorShape           kik>e!      @kl
set_tensor_storage_shape     aclSetTensorStorageShape    kik>e!      @kl
set_tensor_origin_shape      aclSetTensorOriginShape     kik>e!      @kl
set_tensor_shape_range       aclSetTensorShapeRange      kkk>e!      @kl
set_tensor_value_range       aclSetTensorValueRange      kkk>e!      @kl
set_tensor_dynamic_input     aclSetTensorDynamicInput    ks>e!
set_tensor_const             aclSetTensorConst           kkk>e
set_tensor_place_ment        aclSetTensorPlaceMent       ki>e
app_log                      aclAppLog                   -           @is
get_cann_attribute_list      aclGetCannAttributeList     PP>e        @
get_cann_attribute           aclGetCannAttribute         iD>e
get_device_capability        aclGetDeviceCapability      IiQ>e
get_cann_version             aclsysGetCANNVersion        I{version}>e
get_version_str              aclsysGetVersionStr         sk>e        @s
"""
